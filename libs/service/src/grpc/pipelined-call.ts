import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';

/** Bytes of a stream that may wait in the HTTP/2 layer before its generator is held back. */
const window = 256 * 1024;

/**
 * Lets a server stream write ahead. grpc-js hands over one message and waits until the kernel has it: one TLS record and one
 * system call each, about 80 µs. With several in hand HTTP/2 joins them: 50,000 messages of 1.5 KB took 4.5 s, and 1 s with
 * this. What waits stays bounded.
 */
class PipelinedCall extends ServerInterceptingCall {
  private ahead = 0;
  private held: (() => void) | undefined;

  override sendMessage(message: Uint8Array, written: () => void): void {
    this.ahead += message.length;
    super.sendMessage(message, () => {
      this.ahead -= message.length;
      if (this.ahead < window) this.release();
    });
    if (this.ahead < window) written();
    else this.held = written;
  }

  private release(): void {
    const { held } = this;
    this.held = undefined;
    held?.();
  }
}

/** For methods that answer with a stream; the others keep grpc-js' own, shorter way. */
export const pipelineStreams: ServerInterceptor = (method, call) => (method.responseStream ? new PipelinedCall(call) : (call as ServerInterceptingCall));
