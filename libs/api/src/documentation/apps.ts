import type { PackageText } from './text';

/** Documentation of apps/v1. */
export const apps: PackageText = {
  ControllerRevision: ['A former template of a DaemonSet or StatefulSet, kept to roll back to.', {
    data: 'The template as it was; cannot change.',
    revision: 'Number of the revision; higher is newer.',
  }],
  DaemonSet: ['Runs a pod on each node, or on each of some.'],
  DaemonSetCondition: ['One aspect of the DaemonSet that holds or does not.', {
    type: 'The aspect, in CamelCase.',
  }],
  DaemonSetSpec: ['Which pod is wanted on each node.', {
    selector: "Labels of its pods; must match the template's; cannot change.",
    template: 'The pods to make; its node selector and affinity choose the nodes.',
    updateStrategy: 'How pods are replaced when the template changes.',
    minReadySeconds: 'Seconds a pod must be ready before it counts as available; default 0.',
    revisionHistoryLimit: 'Former templates to keep; default 10.',
  }],
  DaemonSetStatus: ['On how many nodes the pod runs.', {
    currentNumberScheduled: 'Nodes that should have the pod and do.',
    numberMisscheduled: 'Nodes that have the pod and should not.',
    desiredNumberScheduled: 'Nodes that should have the pod.',
    numberReady: 'Nodes where the pod is ready.',
    updatedNumberScheduled: 'Nodes whose pod is of the newest template.',
    numberAvailable: 'Nodes where the pod has been ready for minReadySeconds.',
    numberUnavailable: 'Nodes that should have an available pod and do not.',
    collisionCount: 'Hash collisions of revision names so far.',
  }],
  DaemonSetUpdateStrategy: ['How the pods of a DaemonSet are replaced.', {
    type: 'RollingUpdate, or OnDelete to wait until pods are deleted; default RollingUpdate.',
    rollingUpdate: 'Settings of RollingUpdate; only with that type.',
  }],
  Deployment: ['Keeps a number of equal pods running and rolls out changes of them.'],
  DeploymentCondition: ['One aspect of the Deployment that holds or does not.', {
    type: 'The aspect: Available, Progressing or ReplicaFailure.',
  }],
  DeploymentSpec: ['Which pods are wanted, how many, and how changes roll out.', {
    replicas: 'Number of pods; default 1.',
    selector: "Labels of its pods; must match the template's; cannot change.",
    template: 'The pods to make; their restartPolicy must be Always.',
    strategy: 'How pods are replaced when the template changes.',
    minReadySeconds: 'Seconds a pod must be ready before it counts as available; default 0.',
    revisionHistoryLimit: 'Old ReplicaSets to keep for rolling back; default 10.',
    paused: 'Whether changes of the template wait; default false.',
    progressDeadlineSeconds: 'Seconds without progress after which a rollout counts as failed; default 600.',
  }],
  DeploymentStatus: ['How far the Deployment has come.', {
    replicas: 'Pods that there are, of any template.',
    updatedReplicas: 'Pods of the newest template.',
    availableReplicas: 'Pods that have been ready for minReadySeconds.',
    unavailableReplicas: 'Pods that are still needed for all to be available.',
    readyReplicas: 'Pods that are ready.',
    collisionCount: 'Hash collisions of ReplicaSet names so far.',
    terminatingReplicas: 'Pods that are being deleted and have not ended.',
  }],
  DeploymentStrategy: ['How the pods of a Deployment are replaced.', {
    type: 'RollingUpdate, or Recreate to end all old pods first; default RollingUpdate.',
    rollingUpdate: 'Settings of RollingUpdate; only with that type.',
  }],
  ReplicaSet: ['Keeps a number of equal pods running; Deployments make them.'],
  ReplicaSetCondition: ['One aspect of the ReplicaSet that holds or does not.', {
    type: 'The aspect; only ReplicaFailure is known.',
  }],
  ReplicaSetSpec: ['Which pods are wanted and how many.', {
    replicas: 'Number of pods; default 1.',
    selector: "Labels of its pods; must match the template's; cannot change.",
    template: 'The pods to make.',
    minReadySeconds: 'Seconds a pod must be ready before it counts as available; default 0.',
  }],
  ReplicaSetStatus: ['How many pods there are.', {
    replicas: 'Pods that there are, those being deleted left out.',
    fullyLabeledReplicas: 'Pods with all labels of the template.',
    readyReplicas: 'Pods that are ready.',
    availableReplicas: 'Pods that have been ready for minReadySeconds.',
    terminatingReplicas: 'Pods that are being deleted and have not ended.',
  }],
  RollingUpdateDaemonSet: ['How many nodes a rolling update touches at a time.', {
    maxUnavailable: 'Nodes that may be without an available pod, as number or percentage; default 1.',
    maxSurge: 'Nodes that may have old and new pod at once, as number or percentage; default 0.',
  }],
  RollingUpdateDeployment: ['How many pods a rolling update replaces at a time.', {
    maxUnavailable: 'Pods that may be missing, as number or percentage rounded down; default 25%.',
    maxSurge: 'Pods that may be too many, as number or percentage rounded up; default 25%.',
  }],
  RollingUpdateStatefulSetStrategy: ['Which pods a rolling update replaces.', {
    partition: 'Only pods from this ordinal on are replaced; default 0.',
    maxUnavailable: 'Pods that may be missing, as number or percentage rounded up; default 1.',
  }],
  StatefulSet: ['Keeps numbered pods running, each with a name and volumes that stay its own.'],
  StatefulSetCondition: ['One aspect of the StatefulSet that holds or does not.', {
    type: 'The aspect, in CamelCase.',
  }],
  StatefulSetOrdinals: ['How pods are numbered.', {
    start: 'Number of the first pod; default 0.',
  }],
  StatefulSetPersistentVolumeClaimRetentionPolicy: ['What becomes of claims once they are not needed.', {
    whenDeleted: 'Retain or Delete, when the StatefulSet is deleted; default Retain.',
    whenScaled: 'Retain or Delete, when there are fewer pods; default Retain.',
  }],
  StatefulSetSpec: ['Which pods are wanted, how many, and how they are kept.', {
    replicas: 'Number of pods; default 1.',
    selector: "Labels of its pods; must match the template's; cannot change.",
    template: 'The pods to make, named after the StatefulSet and their number.',
    volumeClaimTemplates: 'Claims to make for each pod; a volume of the same name gives way.',
    serviceName: 'Headless service that gives the pods their DNS names; cannot change.',
    podManagementPolicy: 'OrderedReady goes one by one, Parallel all at once; default OrderedReady.',
    updateStrategy: 'How pods are replaced when the template changes.',
    revisionHistoryLimit: 'Former templates to keep; default 10.',
    minReadySeconds: 'Seconds a pod must be ready before it counts as available; default 0.',
    persistentVolumeClaimRetentionPolicy: 'What becomes of claims once they are not needed; default they stay.',
    ordinals: 'How pods are numbered; default from 0.',
  }],
  StatefulSetStatus: ['How many pods there are, by template.', {
    replicas: 'Pods that there are.',
    readyReplicas: 'Pods that are ready.',
    currentReplicas: 'Pods of currentRevision.',
    updatedReplicas: 'Pods of updateRevision.',
    currentRevision: 'Template that pods not yet updated are of.',
    updateRevision: 'Template that updated pods are of.',
    collisionCount: 'Hash collisions of revision names so far.',
    availableReplicas: 'Pods that have been ready for minReadySeconds.',
  }],
  StatefulSetUpdateStrategy: ['How the pods of a StatefulSet are replaced.', {
    type: 'RollingUpdate, or OnDelete to wait until pods are deleted; default RollingUpdate.',
    rollingUpdate: 'Settings of RollingUpdate; only with that type.',
  }],
};
