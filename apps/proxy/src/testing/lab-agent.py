"""Opens sockets in many network namespaces from one process: a socket stays in the namespace it was made in. Reads one JSON request a line, answers one."""
import ctypes
import json
import socket
import sys
import threading

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def enter(path):
    with open(path) as namespace:
        if libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), 'setns')


def make_socket(request):
    """Threads have network namespaces of their own, so requests do not disturb each other."""
    enter(request['namespace'])
    family = socket.AF_INET6 if ':' in request['address'] else socket.AF_INET
    kind = socket.SOCK_STREAM if request['protocol'] == 'tcp' else socket.SOCK_DGRAM
    made = socket.socket(family, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made


def serve_tcp(listener, name):
    while True:
        peer, address = listener.accept()
        threading.Thread(target=serve_connection, args=(peer, address, name), daemon=True).start()


def serve_connection(peer, address, name):
    with peer:
        answer = (json.dumps({'by': name, 'source': address[0]}) + '\n').encode()
        try:
            while peer.recv(4096):
                peer.sendall(answer)
        except OSError:
            pass


def serve_udp(bound, name):
    while True:
        _, address = bound.recvfrom(4096)
        try:
            bound.sendto(json.dumps({'by': name, 'source': address[0]}).encode(), address)
        except OSError:
            pass


def listen(request):
    made = make_socket(request)
    made.bind((request['address'], request['port']))
    if request['protocol'] == 'tcp':
        made.listen(64)
    target = serve_tcp if request['protocol'] == 'tcp' else serve_udp
    threading.Thread(target=target, args=(made, request['name']), daemon=True).start()
    return {}


kept = {}


def probe(request):
    """Asks once. `keep` leaves the connection open under that name for the next probe that names it."""
    made = kept.get(request.get('keep'))
    try:
        if made is None:
            made = make_socket(request)
            made.settimeout(request['timeout'])
            if request.get('source'):
                made.bind((request['source'], request.get('sourcePort', 0)))
            made.connect((request['address'], request['port']))
        made.settimeout(request['timeout'])
        made.send(b'?')
        return json.loads(made.recv(4096))
    except socket.timeout:
        return {'failed': 'silence'}
    except (ConnectionRefusedError, ConnectionResetError):
        return {'failed': 'refused'}
    except OSError as error:
        return {'failed': error.strerror or str(error)}
    except ValueError:
        return {'failed': 'closed'}
    finally:
        if made is not None:
            if request.get('keep'):
                kept[request['keep']] = made
            else:
                made.close()


lock = threading.Lock()


def answer(request):
    try:
        result = {'listen': listen, 'probe': probe}[request['do']](request)
    except Exception as error:
        result = {'error': str(error)}
    with lock:
        print(json.dumps({'id': request['id'], **result}), flush=True)


for line in sys.stdin:
    threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()
