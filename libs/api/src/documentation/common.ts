/** Wording for what all kinds have alike, so that no package repeats it. */

const ofEvery: Readonly<Record<string, (subject: string) => string>> = {
  metadata: () => 'Name, namespace, labels and the rest that every object has.',
  spec: (subject) => `What is wanted of the ${subject}.`,
  status: (subject) => `What is known of the ${subject}; written by its controllers.`,
  conditions: (subject) => `Aspects of the ${subject} that hold or do not, one entry for each type.`,
  observedGeneration: () => 'The metadata.generation that this was written for.',
  apiVersion: () => 'Group and version that the object is written in.',
  kind: () => 'Name of the kind of the object.',
};

const ofLists: Readonly<Record<string, string>> = {
  metadata: 'Version of the list and the token for its next page.',
  items: 'The objects, by namespace and name.',
};

const ofConditions: Readonly<Record<string, string>> = {
  status: 'True, False or Unknown.',
  reason: 'One word in CamelCase on why the status is what it is.',
  message: 'A sentence on why the status is what it is.',
  lastTransitionTime: 'When the status last changed.',
  lastUpdateTime: 'When the condition was last written.',
  lastProbeTime: 'When the condition was last looked at.',
  lastHeartbeatTime: 'When the condition was last looked at.',
};

/** What a message is by its name alone; undefined unless it is a list. */
export function commonMessage(message: string): string | undefined {
  return message.endsWith('List') ? `A list of ${message.slice(0, -'List'.length)} objects.` : undefined;
}

/** What a field means by its name alone, such as the spec of a kind; undefined where the name does not tell. */
export function commonField(message: string, field: string): string | undefined {
  if (message.endsWith('List') && Object.hasOwn(ofLists, field)) return ofLists[field];
  if (message.endsWith('Condition') && Object.hasOwn(ofConditions, field)) return ofConditions[field];
  return Object.hasOwn(ofEvery, field) ? ofEvery[field]?.(inWords(message.replace(/(?<=.)Status$/, ''))) : undefined;
}

/** "config map" for ConfigMap, "CSI driver" for CSIDriver. */
function inWords(kind: string): string {
  const words = kind.split(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/);
  return words.map((word) => (/^[A-Z]{2,}$/.test(word) ? word : word.toLowerCase())).join(' ');
}
