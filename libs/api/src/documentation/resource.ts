import type { PackageText } from './text';

const deviceSubRequestFields = {
  deviceClassName: 'Class that the devices must belong to.',
  selectors: 'What a device must meet beyond its class; at most 32.',
  allocationMode: 'ExactCount or All; default ExactCount.',
  count: 'Number of devices, more than 0; only with ExactCount; default 1.',
  tolerations: 'Taints of devices that it puts up with; at most 16.',
  capacity: "How much of each device's capacities is needed.",
};

/** Documentation of resource.k8s.io/v1. */
export const resource: PackageText = {
  AllocatedDeviceStatus: ['What a driver tells of a device in use.', {
    driver: 'Driver of the device.',
    pool: 'Pool of the device.',
    device: 'Name of the device in the pool.',
    conditions: 'Aspects of the device that hold or do not; at most 8.',
    data: "Facts in the driver's own form; at most 10 KiB.",
    networkData: 'Facts of a network device.',
    shareID: 'Which share of the device is meant, if it is shared.',
  }],
  AllocationResult: ['What was given to a claim.', {
    devices: 'The devices, and settings for them.',
    nodeSelector: 'Nodes where the devices can be used; absent means all.',
    allocationTimestamp: 'When they were given.',
  }],
  CELDeviceSelector: ['Chooses devices by an expression.', {
    expression: 'CEL expression over device that must be true.',
  }],
  CapacityRequestPolicy: ['How much of a shared capacity can be asked for.', {
    default: 'Amount for requests that name none.',
    validValues: 'Amounts that can be asked for; more is rounded up to the next.',
    validRange: 'Range of amounts that can be asked for; excludes validValues.',
  }],
  CapacityRequestPolicyRange: ['A range of amounts.', {
    min: 'Least amount.',
    max: 'Most that can be asked for.',
    step: 'Amounts between are rounded up to min and a multiple of this.',
  }],
  CapacityRequirements: ["How much of a device's capacities is needed.", {
    requests: 'Amount of each capacity.',
  }],
  Counter: ['An amount that devices share.', {
    value: 'How much there is.',
  }],
  CounterSet: ['Amounts that the devices of a pool share.', {
    name: 'Name of the set, unique in the pool.',
    counters: 'The amounts by name.',
  }],
  Device: ['One device that a driver offers.', {
    name: 'Name of the device, unique in its pool; a DNS label.',
    attributes: 'Facts to choose it by, by name.',
    capacity: 'Amounts that it has, by name.',
    consumesCounters: 'What it takes from the counters it shares with others.',
    nodeName: 'Node that it is on, where each device tells its own.',
    nodeSelector: 'Nodes that can use it, where each device tells its own.',
    allNodes: 'Whether all nodes can use it, where each device tells its own.',
    taints: 'What keeps off claims that do not tolerate it.',
    bindsToNode: 'Whether using it ties the claim to the node chosen.',
    bindingConditions: 'Conditions that must hold before the pod is bound; at most 4.',
    bindingFailureConditions: 'Conditions that make the scheduler choose again; at most 4.',
    allowMultipleAllocations: 'Whether several claims may share it; default false.',
    nodeAllocatableResourceMappings: "What it takes from the node's own resources, by name.",
  }],
  DeviceAllocationConfiguration: ['Settings for devices that were given.', {
    source: 'FromClass or FromClaim: where the settings come from.',
    requests: 'Requests that they are for; empty means all.',
  }],
  DeviceAllocationResult: ['Devices that were given to a claim.', {
    results: 'One entry for each device.',
    config: 'Settings for the devices, those of the class first.',
  }],
  DeviceAttribute: ['A fact of a device; exactly one member is set.', {
    int: 'Its value as a whole number.',
    bool: 'Its value as true or false.',
    string: 'Its value as text, at most 64 characters.',
    version: 'Its value as a semantic version.',
    ints: 'Its values as whole numbers.',
    bools: 'Its values as true or false.',
    strings: 'Its values as texts.',
    versions: 'Its values as semantic versions.',
  }],
  DeviceCapacity: ['An amount that a device has.', {
    value: 'How much there is.',
    requestPolicy: 'How much can be asked for, where the device is shared.',
  }],
  DeviceClaim: ['Which devices are wanted.', {
    requests: 'The devices, all of which are needed; at most 32.',
    constraints: 'What they must have in common; at most 32.',
    config: 'Settings for the devices; at most 32.',
  }],
  DeviceClaimConfiguration: ['Settings for devices that are wanted.', {
    requests: 'Requests that they are for; empty means all.',
  }],
  DeviceClass: ['Devices of a kind, for claims to refer to.'],
  DeviceClassConfiguration: ['Settings for devices of a class.'],
  DeviceClassSpec: ['Which devices belong to a class.', {
    selectors: 'What a device must meet, all of them; at most 32.',
    config: 'Settings for each of its devices; at most 32.',
    extendedResourceName: 'Name by which containers may ask for one as a plain resource.',
  }],
  DeviceConfiguration: ['Settings for devices; exactly one member is set.', {
    opaque: "Settings in a driver's own form.",
  }],
  DeviceConstraint: ['What devices must have in common; exactly one condition is set.', {
    requests: 'Requests that it is for; empty means all.',
    matchAttribute: 'Fact that must be the same for all of them.',
    distinctAttribute: 'Fact that must differ between all of them.',
  }],
  DeviceCounterConsumption: ['What a device takes from shared counters.', {
    counterSet: 'Name of the counter set.',
    counters: 'Amounts taken, by name.',
  }],
  DeviceRequest: ['One wish for devices; either exactly or firstAvailable is set.', {
    name: 'Name of the request, unique in the claim; a DNS label.',
    exactly: 'The one wish.',
    firstAvailable: 'Several wishes, the first of which that can be met counts; at most 8.',
  }],
  DeviceRequestAllocationResult: ['A device that was given for a request.', {
    request: 'Name of the request, with a slash and the subrequest if there are some.',
    driver: 'Driver of the device.',
    pool: 'Pool of the device.',
    device: 'Name of the device in the pool.',
    adminAccess: 'Whether it is used for administration, beside other claims.',
    tolerations: 'Taints that the request puts up with, as they were.',
    bindingConditions: 'Conditions that must hold before the pod is bound.',
    bindingFailureConditions: 'Conditions that make the scheduler choose again.',
    shareID: 'Which share of the device is meant, if it is shared.',
    consumedCapacity: 'Amounts of the device that are taken, by name.',
  }],
  DeviceSelector: ['Chooses devices; exactly one member is set.', {
    cel: 'Chooses by an expression.',
  }],
  DeviceSubRequest: ['One of several wishes for devices.', { ...deviceSubRequestFields,
    name: 'Name of the wish, unique in the request; a DNS label.',
  }],
  DeviceTaint: ['Keeps off claims that do not tolerate it.', {
    key: 'Key of the taint.',
    value: 'Value of the taint.',
    effect: 'None, NoSchedule or NoExecute.',
    timeAdded: 'When it was added.',
  }],
  DeviceToleration: ['A taint of devices that a request puts up with.', {
    key: 'Key of the taint; empty with Exists means every taint.',
    operator: 'Exists or Equal; default Equal.',
    value: 'Value of the taint; empty with Exists.',
    effect: 'Effect of the taint; empty means each.',
    tolerationSeconds: 'Seconds to stay under a NoExecute taint; absent means for ever.',
  }],
  ExactDeviceRequest: ['The one wish of a request.', { ...deviceSubRequestFields,
    adminAccess: 'Whether devices are used for administration, beside other claims; default false.',
  }],
  NetworkDeviceData: ['Facts of a network device.', {
    interfaceName: 'Name of the interface in the pod.',
    ips: 'Addresses with prefix length; at most 16.',
    hardwareAddress: 'Hardware address of the interface.',
  }],
  NodeAllocatableResourceMapping: ['How a device takes from a resource of its node.', {
    capacityKey: 'Capacity of the device whose amount is taken; absent counts devices.',
    allocationMultiplier: 'What the amount is multiplied with; default 1.',
  }],
  OpaqueDeviceConfiguration: ["Settings in a driver's own form.", {
    driver: 'Driver that understands them.',
    parameters: 'The settings, an object of any kind; at most 10 KiB.',
  }],
  ResourceClaim: ['Asks for devices, for pods to use.'],
  ResourceClaimConsumerReference: ['Someone who may use a claim.', {
    apiGroup: 'Group of the resource; empty for core.',
    resource: 'Plural name of the resource, such as pods.',
    name: 'Name of the object.',
    uid: 'Identity of the object.',
  }],
  ResourceClaimSpec: ['What is asked for; cannot change.', {
    devices: 'Which devices are wanted.',
  }],
  ResourceClaimStatus: ['What was given, and who uses it.', {
    allocation: 'What was given; absent until then.',
    reservedFor: 'Who may use it now; at most 256.',
    devices: 'What drivers tell of the devices in use.',
  }],
  ResourceClaimTemplate: ['The claims that are made for pods one by one.'],
  ResourceClaimTemplateSpec: ['The claims to make; cannot change.', {
    metadata: 'Labels and annotations of each claim made.',
    spec: 'What each claim made asks for.',
  }],
  ResourcePool: ['Which devices of a driver belong together.', {
    name: 'Name of the pool, often that of the node.',
    generation: 'Goes up with each change; slices of older ones no longer count.',
    resourceSliceCount: 'How many slices the pool has in this generation.',
  }],
  ResourceSlice: ['Some of the devices that a driver offers.'],
  ResourceSliceSpec: ['Which devices, and where they are; one of the places is set.', {
    driver: 'Driver that offers them; cannot change.',
    pool: 'Pool that they belong to.',
    nodeName: 'Node that they are on; cannot change.',
    nodeSelector: 'Nodes that can use them.',
    allNodes: 'Whether all nodes can use them.',
    devices: 'The devices; at most 128, or 64 with taints or counters.',
    perDeviceNodeSelection: 'Whether each device tells its own place.',
    sharedCounters: 'Amounts that devices of the pool share.',
  }],
};
