# Run by client-libraries.e2e.spec.ts: one line of JSON for each step.
import json

from kubernetes import client, config, dynamic, watch
from kubernetes.stream import stream


def tell(step, what):
    print(json.dumps([step, what]), flush=True)


config.load_kube_config()
core = client.CoreV1Api()
tell('nodes', [node.metadata.name for node in core.list_node().items])

script = 'echo hello; trap "exit 0" TERM; while :; do sleep 3600 & wait $!; done'
pod = {
    'metadata': {'name': 'python', 'labels': {'by': 'python'}},
    'spec': {'terminationGracePeriodSeconds': 1, 'containers': [{'name': 'main', 'image': 'navarch.local/busybox:1', 'command': ['sh', '-c', script]}]},
}
tell('created', core.create_namespaced_pod('default', pod).status.phase)

selection = {'namespace': 'default', 'field_selector': 'metadata.name=python', 'timeout_seconds': 50}
events = []
for event in watch.Watch().stream(core.list_namespaced_pod, **selection):
    events.append(event['type'])
    if any(each.type == 'Ready' and each.status == 'True' for each in event['object'].status.conditions or []):
        break
tell('watched', events)

tell('patched', core.patch_namespaced_pod('python', 'default', {'metadata': {'labels': {'more': 'yes'}}}).metadata.labels)
tell('log', core.read_namespaced_pod_log('python', 'default'))
exec_pod = core.connect_get_namespaced_pod_exec
tell('executed', stream(exec_pod, 'python', 'default', command=['echo', 'out'], stderr=True, stdin=False, stdout=True, tty=False))
session = stream(exec_pod, 'python', 'default', command=['cat'], stderr=True, stdin=True, stdout=True, tty=False, _preload_content=False)
session.write_stdin('a line\n')
tell('echoed', session.readline_stdout(timeout=30))
session.close()

found = dynamic.DynamicClient(client.ApiClient()).resources.get(api_version='v1', kind='Namespace').get()
tell('dynamic', sorted(each.metadata.name for each in found.items))

core.delete_namespaced_pod('python', 'default')
for event in watch.Watch().stream(core.list_namespaced_pod, **selection):
    if event['type'] == 'DELETED':
        tell('deleted', event['type'])
        break
try:
    core.read_namespaced_pod('python', 'default')
except client.exceptions.ApiException as error:
    tell('missing', error.status)
