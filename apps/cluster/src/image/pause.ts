/**
 * What runs in a pod's sandbox: waits, collects the ends of orphaned processes, and ends at once on SIGTERM or SIGINT. As a
 * pid 1 it would ignore signals it has no handler for, so it blocks these three and takes them with rt_sigtimedwait.
 * A program this small needs no compiler; on x86-64 it is written here, instruction by instruction.
 */
const instructions = [
  '6a00', //         push 0
  '6802400100', //   push 0x14002            the set: SIGINT, SIGTERM, SIGCHLD
  '4889e5', //       mov rbp, rsp
  '31ff', //         xor edi, edi            SIG_BLOCK
  '4889ee', //       mov rsi, rbp
  '31d2', //         xor edx, edx
  '6a08415a', //     r10 = 8                 the size of the set
  '6a0e58', //       rax = 14
  '0f05', //         syscall                 rt_sigprocmask(SIG_BLOCK, &set, NULL, 8)
  // wait:
  '4889ef', //       mov rdi, rbp
  '31f6', //         xor esi, esi
  '31d2', //         xor edx, edx
  '6a08415a', //     r10 = 8
  'b880000000', //   mov eax, 128
  '0f05', //         syscall                 rt_sigtimedwait(&set, NULL, NULL, 8)
  '83f811', //       cmp eax, SIGCHLD
  '740d', //         je reap
  '85c0', //         test eax, eax
  '78e5', //         js wait                 interrupted
  '31ff', //         xor edi, edi
  'b8e7000000', //   mov eax, 231
  '0f05', //         syscall                 exit_group(0)
  // reap:
  '6aff5f', //       rdi = -1
  '31f6', //         xor esi, esi
  '6a015a', //       rdx = WNOHANG
  '4531d2', //       xor r10d, r10d
  '6a3d58', //       rax = 61
  '0f05', //         syscall                 wait4(-1, NULL, WNOHANG, NULL)
  '85c0', //         test eax, eax
  '7fec', //         jg reap
  'ebc6', //         jmp wait
];

const loadAddress = 0x400000;
const headerBytes = 64 + 56;

/** A static ELF executable for Linux on x86-64. */
export function pauseProgram(): Buffer {
  const code = Buffer.from(instructions.join(''), 'hex');
  const elf = Buffer.alloc(64);
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]); // 64 bit, little-endian, ELF version 1, System V
  elf.writeUInt16LE(2, 16); // executable
  elf.writeUInt16LE(62, 18); // x86-64
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BigInt(loadAddress + headerBytes), 24); // entry
  elf.writeBigUInt64LE(64n, 32); // program headers follow
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  const segment = Buffer.alloc(56);
  segment.writeUInt32LE(1, 0); // PT_LOAD
  segment.writeUInt32LE(5, 4); // readable, executable
  segment.writeBigUInt64LE(BigInt(loadAddress), 16);
  segment.writeBigUInt64LE(BigInt(loadAddress), 24);
  segment.writeBigUInt64LE(BigInt(headerBytes + code.length), 32);
  segment.writeBigUInt64LE(BigInt(headerBytes + code.length), 40);
  segment.writeBigUInt64LE(0x1000n, 48);
  return Buffer.concat([elf, segment, code]);
}

/** The same for other processors: busybox's shell, which collects orphans while it waits. */
export const pauseScript = "trap 'exit 0' TERM INT; while :; do sleep 2147483647 & wait $!; done";
