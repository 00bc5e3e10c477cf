import type { PackageText } from './text';

/** Documentation of storage.k8s.io/v1. */
export const storage: PackageText = {
  CSIDriver: ['What a CSI driver needs and can do; named after the driver.'],
  CSIDriverSpec: ['Needs and abilities of a CSI driver.', {
    attachRequired: 'Whether volumes must be attached before they are mounted; default true; cannot change.',
    podInfoOnMount: 'Whether the driver is told of the pod when it mounts; default false.',
    volumeLifecycleModes: 'Persistent, Ephemeral or both; default Persistent; cannot change.',
    storageCapacity: 'Whether the scheduler looks at CSIStorageCapacity objects; default false.',
    fsGroupPolicy: 'ReadWriteOnceWithFSType, File or None; default ReadWriteOnceWithFSType.',
    tokenRequests: "Tokens of the pod's service account that the driver is given.",
    requiresRepublish: 'Whether mounting is repeated from time to time; default false.',
    seLinuxMount: 'Whether volumes can be mounted with an SELinux label; default false.',
    nodeAllocatableUpdatePeriodSeconds: "Seconds between updates of a node's volume limit, at least 10; default never.",
    serviceAccountTokenInSecrets: 'Whether tokens come as secrets, not as attributes of the volume; default false.',
    preventPodSchedulingIfMissing: 'Whether pods with its volumes avoid nodes without the driver; default false.',
  }],
  CSINode: ['CSI drivers that run on a node; named after the node.'],
  CSINodeDriver: ['A CSI driver on a node.', {
    name: 'Name of the driver.',
    nodeID: 'Identity of the node with the driver.',
    topologyKeys: 'Node labels that tell what the driver can reach from there.',
    allocatable: 'How many volumes the node can take.',
  }],
  CSINodeSpec: ['The CSI drivers of a node.', {
    drivers: 'One entry for each driver.',
  }],
  CSIStorageCapacity: ['How much a CSI driver can still make of a class at a place.', {
    nodeTopology: 'The place, as labels of nodes; absent means nowhere; cannot change.',
    storageClassName: 'StorageClass that is meant; cannot change.',
    capacity: 'How much is left.',
    maximumVolumeSize: 'Largest volume that can be made.',
  }],
  StorageClass: ['How volumes of a class are made.', {
    provisioner: 'Driver that makes them; cannot change.',
    parameters: 'Settings for the driver; cannot change.',
    reclaimPolicy: 'Delete or Retain, for volumes whose claim is gone; default Delete; cannot change.',
    mountOptions: 'Options of the mount command.',
    allowVolumeExpansion: 'Whether claims may grow; default false.',
    volumeBindingMode: 'Immediate, or WaitForFirstConsumer to wait for a pod; default Immediate; cannot change.',
    allowedTopologies: 'Places where volumes may be made; default anywhere.',
  }],
  TokenRequest: ['A token of a service account that a driver is given.', {
    audience: 'Who the token is meant for; empty means the API server.',
    expirationSeconds: 'Life of the token in seconds, at least 600; default 3600.',
  }],
  VolumeAttachment: ['Asks to attach a volume to a node, and tells whether it is.'],
  VolumeAttachmentSource: ['The volume to attach; exactly one member is set.', {
    persistentVolumeName: 'Name of a PersistentVolume.',
    inlineVolumeSpec: 'The volume itself, for drivers that took the place of in-tree ones.',
  }],
  VolumeAttachmentSpec: ['Which volume is attached where, by whom; cannot change.', {
    attacher: 'Driver that attaches it.',
    source: 'The volume to attach.',
    nodeName: 'Node that it is attached to.',
  }],
  VolumeAttachmentStatus: ['Whether a volume is attached.', {
    attached: 'Whether it is attached.',
    attachmentMetadata: 'What the driver told and needs for mounting.',
    attachError: 'Why attaching last failed.',
    detachError: 'Why detaching last failed.',
  }],
  VolumeAttributesClass: ['Settings of volumes that can be changed while they are used.', {
    driverName: 'CSI driver that applies them; cannot change.',
    parameters: 'Settings for the driver; cannot change.',
  }],
  VolumeError: ["Why a driver's call failed.", {
    time: 'When it failed.',
    message: 'A sentence on the failure.',
    errorCode: 'The gRPC status code of the answer.',
  }],
  VolumeNodeResources: ['How many volumes a node can take.', {
    count: 'Most volumes of the driver; absent means no limit.',
  }],
};
