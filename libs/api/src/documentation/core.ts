import type { PackageText } from './text';

/** Documentation of core/v1: all but pods and volumes. */
export const core: PackageText = {
  AvoidPods: ['Pods that a node should rather not get; the annotation that holds it is no longer used.', {
    preferAvoidPods: 'Which pods, by what made them.',
  }],
  ClientIPConfig: ['How clients are kept with one endpoint by their address.', {
    timeoutSeconds: 'Seconds that a client stays with its endpoint, 1 to 86400; default 10800.',
  }],
  ComponentCondition: ["One aspect of a component's health.", {
    type: 'The aspect; only Healthy is known.',
    status: 'True, False or Unknown.',
    message: 'A sentence on the health.',
    error: 'What went wrong when the component was asked.',
  }],
  ComponentStatus: ['Health of a component of the control plane, as one call found it.'],
  ConfigMap: ['Settings that pods read as files or variables; 1 MiB at most.', {
    data: 'Text by key; keys are letters, digits, dash, underscore and dot.',
    binaryData: 'Bytes by key; no key may be in data too.',
    immutable: 'Whether its contents are fixed for good; default false.',
  }],
  ConfigMapNodeConfigSource: ["A ConfigMap with a kubelet's settings; no longer used.", {
    namespace: 'Namespace of the ConfigMap.',
    name: 'Name of the ConfigMap.',
    uid: 'Identity of the ConfigMap.',
    resourceVersion: 'Version of the ConfigMap.',
    kubeletConfigKey: 'Key that holds the settings.',
  }],
  DaemonEndpoint: ['A port that a daemon of the node listens on.', {
    Port: 'Number of the port.',
  }],
  EndpointAddress: ['An address behind a service.', {
    ip: 'The address; not loopback, link-local or multicast.',
    targetRef: 'Object behind the address, usually a pod.',
    hostname: 'Host name of the endpoint.',
    nodeName: 'Node that the endpoint is on.',
  }],
  EndpointPort: ['A port behind a service.', {
    name: "Name of the service's port; needed when there are several.",
    port: 'Number of the port.',
    protocol: 'TCP, UDP or SCTP; default TCP.',
    appProtocol: 'What is spoken above the protocol, such as kubernetes.io/h2c.',
  }],
  EndpointSubset: ['Addresses that share the same ports.', {
    addresses: 'Addresses that are ready.',
    notReadyAddresses: 'Addresses that are not ready yet or no longer.',
    ports: 'Ports of each of the addresses.',
  }],
  Endpoints: ['Where the traffic of a service goes; EndpointSlices are what is used now.', {
    subsets: 'Addresses and ports; the whole is the union of all.',
  }],
  Event: ['Something that happened to an object, kept for a while only.', {
    involvedObject: 'The object it happened to.',
    reason: 'One word on why it happened.',
    message: 'A sentence on what happened.',
    source: 'Component that reports it.',
    firstTimestamp: 'When it was first seen.',
    lastTimestamp: 'When it was last seen.',
    count: 'How often it was seen.',
    type: 'Normal or Warning.',
    eventTime: 'When it was first seen, to the microsecond.',
    series: 'Set when it goes on happening.',
    action: 'What was done or failed.',
    related: 'A second object that takes part.',
    reportingComponent: 'Controller that reports it.',
    reportingInstance: 'Which instance of the controller reports it.',
  }],
  EventSeries: ['An event that goes on happening.', {
    count: 'How often it has happened so far.',
    lastObservedTime: 'When it was last seen.',
  }],
  EventSource: ['Who reports an event.', {
    component: 'Component that reports it.',
    host: 'Node that the component runs on.',
  }],
  LimitRange: ['Limits and defaults for each pod, container or claim of a namespace.'],
  LimitRangeItem: ['Limits and defaults for one kind of thing.', {
    type: 'Pod, Container or PersistentVolumeClaim.',
    max: 'Most of each resource.',
    min: 'Least of each resource.',
    default: 'Limit of a container that names none.',
    defaultRequest: 'Request of a container that names none.',
    maxLimitRequestRatio: 'How many times its request a limit may be.',
  }],
  LimitRangeSpec: ['The limits of a namespace.', {
    limits: 'One entry for each kind of thing.',
  }],
  List: ['A list of objects of any kind.'],
  LoadBalancerIngress: ['An entrance of a load balancer.', {
    ip: 'Its address, if it has one.',
    hostname: 'Its name, if it has one.',
    ipMode: "VIP keeps the packet's destination, Proxy rewrites it; needs ip; default VIP.",
    ports: 'State of each port.',
  }],
  LoadBalancerStatus: ['State of a load balancer.', {
    ingress: 'Entrances that traffic may use.',
  }],
  LocalObjectReference: ['Names an object in the same namespace.', {
    name: 'Name of the object.',
  }],
  Namespace: ['A scope for names; deleting it deletes everything in it.'],
  NamespaceCondition: ['One aspect of the namespace that holds or does not.', {
    type: 'The aspect, such as NamespaceContentRemaining.',
  }],
  NamespaceSpec: ['What is wanted of a namespace.', {
    finalizers: 'What must be cleared before it is gone; removed through finalize only.',
  }],
  NamespaceStatus: ['What is known of a namespace.', {
    phase: 'Active or Terminating.',
  }],
  Node: ['A machine that runs pods.'],
  NodeAddress: ['An address of a node.', {
    type: 'Hostname, InternalIP, ExternalIP, InternalDNS or ExternalDNS.',
    address: 'The name or address, by the type.',
  }],
  NodeCondition: ['One aspect of the node that holds or does not.', {
    type: 'The aspect: Ready, MemoryPressure, DiskPressure, PIDPressure or NetworkUnavailable.',
  }],
  NodeConfigSource: ["Where a kubelet's settings come from; no longer used.", {
    configMap: 'A ConfigMap with the settings.',
  }],
  NodeConfigStatus: ["State of a kubelet's settings; no longer used.", {
    assigned: 'Settings the kubelet is to use.',
    active: 'Settings the kubelet uses.',
    lastKnownGood: 'Settings it falls back to.',
    error: 'What is wrong with the assigned settings.',
  }],
  NodeDaemonEndpoints: ["Ports of the node's daemons.", {
    kubeletEndpoint: 'Port of the kubelet.',
  }],
  NodeFeatures: ["What a node's runtime can do, whatever the handler.", {
    supplementalGroupsPolicy: 'Whether supplementalGroupsPolicy is obeyed.',
  }],
  NodeProxyOptions: ["Which path of a node's kubelet to call.", {
    path: 'Path to send the request to.',
  }],
  NodeRuntimeHandler: ['A runtime that a node offers.', {
    name: 'Name of the handler; empty for the usual one.',
    features: 'What it can do.',
  }],
  NodeRuntimeHandlerFeatures: ['What a runtime of a node can do.', {
    recursiveReadOnlyMounts: 'Whether mounts can be read-only all the way down.',
    userNamespaces: 'Whether pods can have user namespaces.',
  }],
  NodeSpec: ['What is wanted of a node.', {
    podCIDR: 'Range of the addresses of its pods.',
    externalID: 'Old identity of the machine; no longer used.',
    providerID: 'Identity of the machine at its cloud; cannot change once set.',
    unschedulable: 'Whether no new pods are placed on it; default false.',
    taints: 'What keeps off pods that do not tolerate it.',
    configSource: "Where the kubelet's settings come from; no longer used.",
    podCIDRs: 'Ranges of its pods, at most one of each family; the first equals podCIDR.',
  }],
  NodeStatus: ['What the kubelet knows of its node.', {
    capacity: 'All resources of the machine.',
    allocatable: 'Resources left for pods.',
    phase: 'Old state of the node; no longer used.',
    addresses: 'Names and addresses of the machine.',
    daemonEndpoints: 'Ports of the daemons.',
    nodeInfo: 'Versions and identities of the machine.',
    images: 'Images present on it.',
    volumesInUse: 'Attached volumes that pods still use.',
    volumesAttached: 'Volumes that are attached to it.',
    config: "State of the kubelet's settings; no longer used.",
    runtimeHandlers: 'Runtimes it offers.',
    features: 'What its runtime can do.',
    declaredFeatures: 'Features of its kubelet that the scheduler may ask for.',
  }],
  NodeSwapStatus: ['Swap space of a node.', {
    capacity: 'Size of the swap space in bytes.',
  }],
  NodeSystemInfo: ['Versions and identities of a machine.', {
    machineID: 'Identity of the installation.',
    systemUUID: 'Identity of the machine, from its firmware.',
    bootID: 'Identity of the current boot.',
    kernelVersion: 'Version of the kernel.',
    osImage: "Name of the operating system's distribution.",
    containerRuntimeVersion: 'Version of the runtime, as name://version.',
    kubeletVersion: 'Version of the kubelet.',
    kubeProxyVersion: 'Version of the proxy; no longer used.',
    operatingSystem: 'The operating system, linux or windows.',
    architecture: "The processor's architecture, such as amd64.",
    swap: 'Its swap space.',
  }],
  ObjectReference: ['Names an object anywhere.', {
    kind: 'Kind of the object.',
    namespace: 'Namespace of the object.',
    name: 'Name of the object.',
    uid: 'Identity of the object.',
    apiVersion: 'Group and version of the object.',
    resourceVersion: 'Version of the object that is meant.',
    fieldPath: 'Part of the object that is meant, such as spec.containers{web}.',
  }],
  Pod: ['Containers that run together on one node and share network and volumes.'],
  PodSignature: ['What made a pod.', {
    podController: 'Controller that made it.',
  }],
  PortStatus: ['State of a port of a load balancer.', {
    port: 'Number of the port.',
    protocol: 'TCP, UDP or SCTP.',
    error: 'One word on what is wrong with it.',
  }],
  Preconditions: ['What must hold of an object for a change to be done.', {
    uid: 'Identity that the object must have.',
  }],
  PreferAvoidPodsEntry: ['Pods that a node should rather not get.', {
    podSignature: 'Which pods.',
    evictionTime: 'When the entry was made.',
    reason: 'One word on why.',
    message: 'A sentence on why.',
  }],
  RangeAllocation: ['Which numbers or addresses of a range are taken; internal.', {
    range: 'The range that is given out from.',
    data: 'One bit for each member of the range.',
  }],
  ReplicationController: ['Keeps a number of pods running; ReplicaSet is its successor.'],
  ReplicationControllerCondition: ['One aspect of the controller that holds or does not.', {
    type: 'The aspect; only ReplicaFailure is known.',
  }],
  ReplicationControllerSpec: ['Which pods are wanted and how many.', {
    replicas: 'Number of pods; default 1.',
    selector: 'Labels of its pods; default those of the template.',
    template: 'The pods to make.',
    minReadySeconds: 'Seconds a pod must be ready before it counts as available; default 0.',
  }],
  ReplicationControllerStatus: ['How many pods there are.', {
    replicas: 'Pods that there are.',
    fullyLabeledReplicas: 'Pods with all labels of the template.',
    readyReplicas: 'Pods that are ready.',
    availableReplicas: 'Pods that have been ready for minReadySeconds.',
  }],
  ResourceQuota: ['How much all objects of a namespace may take together.'],
  ResourceQuotaSpec: ['The limits of a quota.', {
    hard: 'Most of each resource or count of objects.',
    scopes: 'Only objects that meet all of these are counted.',
    scopeSelector: 'As scopes, with operators and values.',
  }],
  ResourceQuotaStatus: ['How far a quota is used up.', {
    hard: 'The limits in force.',
    used: 'How much is taken now.',
  }],
  ScopeSelector: ['Which objects a quota counts, by scope.', {
    matchExpressions: 'Conditions that must all hold.',
  }],
  ScopedResourceSelectorRequirement: ['A condition on the scope of an object.', {
    scopeName: 'The scope, such as PriorityClass or BestEffort.',
    operator: 'In, NotIn, Exists or DoesNotExist.',
    values: 'Values to compare with; none for Exists and DoesNotExist.',
  }],
  Secret: ['Confidential data that pods read as files or variables; 1 MiB at most.', {
    data: 'Bytes by key, in base64; keys are letters, digits, dash, underscore and dot.',
    type: 'What the data is, which some types check; cannot change; default Opaque.',
    stringData: 'Text by key that is written over data; never read back.',
    immutable: 'Whether its contents are fixed for good; default false.',
  }],
  SecretReference: ['Names a Secret in any namespace.', {
    name: 'Name of the Secret.',
    namespace: 'Namespace of the Secret.',
  }],
  SerializedReference: ['A reference to an object, as it is written into an annotation.', {
    reference: 'The object.',
  }],
  Service: ['A name and address for a set of pods.'],
  ServiceAccount: ['An identity that pods act as.', {
    secrets: 'Old list of Secrets its pods may mount; enforced only on request by annotation.',
    imagePullSecrets: 'Secrets with credentials for registries, for its pods that name none.',
    automountServiceAccountToken: 'Whether its pods get a token mounted, unless they say otherwise; default true.',
  }],
  ServicePort: ['A port of a service.', {
    name: 'Name of the port, unique in the service; needed when there are several.',
    protocol: 'TCP, UDP or SCTP; default TCP.',
    port: 'Port of the service, 1 to 65535.',
    targetPort: "Number or name of the pods' port; default port.",
    nodePort: 'Port on every node for NodePort and LoadBalancer; default one that is free.',
    appProtocol: 'What is spoken above the protocol, such as kubernetes.io/h2c.',
  }],
  ServiceProxyOptions: ['Which path of a service to call.', {
    path: 'Path to send the request to.',
  }],
  ServiceSpec: ['What a service is to be.', {
    ports: 'Ports it offers.',
    selector: 'Labels of its pods; without one its endpoints are kept by someone else.',
    clusterIP: 'Its address in the cluster, None for headless; default one that is free; cannot change.',
    type: 'ClusterIP, NodePort, LoadBalancer or ExternalName; default ClusterIP.',
    externalIPs: 'Further addresses that nodes accept its traffic on.',
    sessionAffinity: 'ClientIP keeps a client with one endpoint, None does not; default None.',
    loadBalancerIP: 'Address wanted of the load balancer; deprecated, as not all obey it.',
    loadBalancerSourceRanges: 'Client ranges that the load balancer lets in; default all.',
    externalName: 'Name that its DNS name stands for; for ExternalName only.',
    externalTrafficPolicy: "Cluster, or Local to keep to the node's endpoints and clients' addresses; default Cluster.",
    healthCheckNodePort: 'Port where nodes tell whether they have endpoints; for LoadBalancer with Local.',
    publishNotReadyAddresses: 'Whether endpoints that are not ready get traffic and DNS too; default false.',
    sessionAffinityConfig: 'Settings of the session affinity.',
    ipFamilyPolicy: 'SingleStack, PreferDualStack or RequireDualStack; default SingleStack.',
    clusterIPs: 'Its addresses, at most one of each family; the first equals clusterIP.',
    ipFamilies: 'Families of its addresses, IPv4 and IPv6, in the order of clusterIPs.',
    allocateLoadBalancerNodePorts: 'Whether LoadBalancer takes node ports too; default true.',
    loadBalancerClass: "Which load balancer is meant; default the cluster's; cannot change.",
    internalTrafficPolicy: "Cluster, or Local to keep to the endpoints of the caller's node; default Cluster.",
    trafficDistribution: 'PreferSameZone or PreferSameNode: endpoints that are taken first.',
  }],
  ServiceStatus: ['What is known of a service.', {
    loadBalancer: 'State of its load balancer.',
  }],
  SessionAffinityConfig: ['Settings of the session affinity.', {
    clientIP: "Settings of affinity by the client's address.",
  }],
  Taint: ['Keeps off pods that do not tolerate it.', {
    key: 'Key of the taint.',
    value: 'Value of the taint.',
    effect: 'NoSchedule, PreferNoSchedule or NoExecute.',
    timeAdded: 'When it was added.',
  }],
  TopologySelectorLabelRequirement: ['Values that a label of a place may have.', {
    key: 'The label.',
    values: 'Values of which one must match.',
  }],
  TopologySelectorTerm: ['Places where a volume may be made.', {
    matchLabelExpressions: 'Labels that must all match.',
  }],
  TypedLocalObjectReference: ['Names an object of any kind in the same namespace.', {
    apiGroup: 'Group of the object; empty for core.',
    kind: 'Kind of the object.',
    name: 'Name of the object.',
  }],
  TypedObjectReference: ['Names an object of any kind.', {
    apiGroup: 'Group of the object; empty for core.',
    kind: 'Kind of the object.',
    name: 'Name of the object.',
    namespace: "Namespace of the object; default the referrer's.",
  }],
};
