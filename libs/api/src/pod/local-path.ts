/** How controllers, scheduler and kubelets agree on local-path volumes: directories that a node keeps for claims. */

/** On a Node: where its kubelet keeps them. */
export const localPathRootAnnotation = 'navarch.io/local-path-root';
/** On a volume: held until the kubelet of its node has removed the directory. */
export const localPathFinalizer = 'navarch.io/local-path';
/** On a volume: the node it lies on. */
export const volumeNodeLabel = 'navarch.io/node';
/** On a claim: the node that its first pod goes to (as Kubernetes' scheduler writes it). */
export const selectedNodeAnnotation = 'volume.kubernetes.io/selected-node';
/** On a volume: who made it. */
export const provisionedByAnnotation = 'pv.kubernetes.io/provisioned-by';
