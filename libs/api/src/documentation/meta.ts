import type { PackageText } from './text';

const microTimeFields = {
  seconds: 'Seconds since 1970 in UTC.',
  nanos: 'Nanoseconds within the second.',
};

/** Documentation of meta/v1: what all kinds share. */
export const meta: PackageText = {
  APIGroup: ['A group of the API that is served.', {
    name: 'Name of the group; empty for core.',
    versions: 'Versions that are served, best first.',
    preferredVersion: 'Version that clients should use.',
    serverAddressByClientCIDRs: 'Which server address clients should use, by their own address.',
  }],
  APIGroupList: ['The groups that are served.', {
    groups: 'One entry for each group.',
  }],
  APIResource: ['A resource that is served.', {
    name: 'Its plural name, with a slash and the subresource if it is one.',
    namespaced: 'Whether its objects live in namespaces.',
    kind: 'Kind of its objects.',
    verbs: 'What can be done with it.',
    shortNames: 'Short names for the command line.',
    singularName: 'Name for a single object.',
    categories: 'Groups it belongs to for the command line, such as all.',
    group: 'Group of the kind, where it is not that of the list.',
    version: 'Version of the kind, where it is not that of the list.',
    storageVersionHash: 'Changes when the version it is stored in does.',
  }],
  APIResourceList: ['The resources of one group and version.', {
    groupVersion: 'The group and version.',
    resources: 'One entry for each resource and subresource.',
  }],
  APIVersions: ['Versions of the core group that are served.', {
    versions: 'Names of the versions, best first.',
    serverAddressByClientCIDRs: 'Which server address clients should use, by their own address.',
  }],
  ApplyOptions: ['Options of an apply.', {
    dryRun: 'All does everything but store the result; default none.',
    force: 'Whether members that others own are taken over; default false.',
    fieldManager: 'Name under which the members written are owned; needed.',
  }],
  Condition: ['One aspect of an object that holds or does not.', {
    type: 'The aspect, in CamelCase.',
  }],
  CreateOptions: ['Options of a create.', {
    dryRun: 'All does everything but store the result; default none.',
    fieldManager: "Name under which the members written are owned, up to 128 characters; default the client's name.",
    fieldValidation: 'Ignore, Warn or Strict: what unknown and repeated members lead to; default Warn.',
  }],
  DeleteOptions: ['Options of a delete.', {
    gracePeriodSeconds: 'Seconds the object has to end in; 0 deletes at once; default depends on the kind.',
    preconditions: 'What must hold of the object, else the answer is a conflict.',
    orphanDependents: 'Old form of propagationPolicy; the two exclude each other.',
    propagationPolicy: 'Orphan, Background or Foreground: what becomes of dependents; default depends on the kind.',
    dryRun: 'All does everything but delete; default none.',
    ignoreStoreReadErrorWithClusterBreakingPotential: 'Whether an object that cannot be read is removed all the same; default false.',
  }],
  Duration: ['A length of time, written such as 1h30m or 500ms.', {
    duration: 'Length in nanoseconds.',
  }],
  FieldSelectorRequirement: ['One condition on a member of an object.', {
    key: 'The member to look at.',
    operator: 'In, NotIn, Exists or DoesNotExist.',
    values: 'Values to compare with; none for Exists and DoesNotExist.',
  }],
  FieldsV1: ['A set of members of an object, as a tree of their names.', {
    Raw: 'The tree in JSON.',
  }],
  GetOptions: ['Options of a get.', {
    resourceVersion: 'The answer must be at least this new; 0 allows any age; default the newest.',
  }],
  GroupKind: ['A kind, in any version.', {
    group: 'Group of the kind; empty for core.',
    kind: 'Name of the kind.',
  }],
  GroupResource: ['A resource, in any version.', {
    group: 'Group of the resource; empty for core.',
    resource: 'Plural name of the resource.',
  }],
  GroupVersion: ['A version of a group.', {
    group: 'Name of the group; empty for core.',
    version: 'Name of the version.',
  }],
  GroupVersionForDiscovery: ['A version of a group that is served.', {
    groupVersion: 'Group and version, joined by a slash.',
    version: 'Name of the version.',
  }],
  GroupVersionKind: ['A kind in one version.', {
    group: 'Group of the kind; empty for core.',
    version: 'Version of the kind.',
    kind: 'Name of the kind.',
  }],
  GroupVersionResource: ['A resource in one version.', {
    group: 'Group of the resource; empty for core.',
    version: 'Version of the resource.',
    resource: 'Plural name of the resource.',
  }],
  LabelSelector: ['Which objects are meant, by label; an empty one means all.', {
    matchLabels: 'Labels and the values that they must have.',
    matchExpressions: 'Conditions that must all hold too.',
  }],
  LabelSelectorRequirement: ['One condition on a label.', {
    key: 'The label.',
    operator: 'In, NotIn, Exists or DoesNotExist.',
    values: 'Values to compare with; none for Exists and DoesNotExist.',
  }],
  List: ['A list of objects of any kind.'],
  ListMeta: ['What a list tells of itself.', {
    selfLink: 'No longer used; always empty.',
    resourceVersion: 'Version of the store that the list shows; a watch can go on from it.',
    continue: 'Token for the next page; empty on the last.',
    remainingItemCount: 'How many objects follow this page, where that is known.',
    shardInfo: 'Which part of all objects the list holds, if not all.',
  }],
  ListOptions: ['Options of a list or watch.', {
    labelSelector: 'Only objects whose labels meet it; default all.',
    fieldSelector: 'Only objects whose members meet it; default all.',
    watch: 'Whether to send changes as they happen; default false.',
    resourceVersion: 'Where a watch begins, or how new a list must be; 0 allows any age.',
    timeoutSeconds: 'Seconds after which the call ends.',
    limit: 'Most objects of one page; 0 means all.',
    continue: 'Token of the page before; the following page is of the same version.',
    allowWatchBookmarks: 'Whether the watch also tells how far it has come; default false.',
    resourceVersionMatch: 'Exact or NotOlderThan: how resourceVersion is meant.',
    sendInitialEvents: 'Whether a watch begins with all objects and then a bookmark.',
    shardSelector: 'Only objects that fall to one part of a hash.',
  }],
  ManagedFieldsEntry: ['Members of an object that one writer owns.', {
    manager: 'Name of the writer.',
    operation: 'Apply or Update.',
    apiVersion: 'Version of the kind that the set is written in.',
    time: 'When the set last changed.',
    fieldsType: 'Form of the set; only FieldsV1 is known.',
    fieldsV1: 'The set of members.',
    subresource: 'Subresource that was written through; empty for the object itself.',
  }],
  MicroTime: ['A time to the microsecond, written in RFC 3339.', microTimeFields],
  ObjectMeta: ['What every object has: name, labels, versions and owners.', {
    name: 'Name, unique for the kind in its namespace; cannot change.',
    generateName: 'Prefix to which the server adds five random characters where name is empty.',
    namespace: 'Scope of the name; empty for objects of the whole cluster; cannot change.',
    selfLink: 'No longer used; always empty.',
    uid: 'Identity, unique for all time; set by the server.',
    resourceVersion: 'Changes with every write; sent back, it makes an update fail on a conflict.',
    generation: 'Counts changes of what is wanted; set by the server.',
    creationTimestamp: 'When it was created; set by the server.',
    deletionTimestamp: 'When it is to be gone; set by the server on delete, and never unset.',
    deletionGracePeriodSeconds: 'Seconds that it has to end in; can only shrink.',
    labels: 'Names and values that selectors choose by.',
    annotations: 'Names and values of any use, 256 KiB at most together.',
    ownerReferences: 'Objects it depends on; it is collected once all are gone.',
    finalizers: 'What must be cleared, entry by entry, before it is gone.',
    managedFields: 'Who owns which members; kept by the server for apply.',
  }],
  OwnerReference: ['An object that another one depends on, in the same namespace or of the cluster.', {
    kind: 'Kind of the owner.',
    name: 'Name of the owner.',
    uid: 'Identity of the owner.',
    apiVersion: 'Group and version of the owner.',
    controller: 'Whether the owner manages the object; true for one owner at most.',
    blockOwnerDeletion: 'Whether foreground deletion of the owner waits for the object; default false.',
  }],
  PartialObjectMetadata: ['An object of any kind, metadata only.'],
  PartialObjectMetadataList: ['Objects of any kind, metadata only.'],
  Patch: ['A change to an object, in one of the patch formats.'],
  PatchOptions: ['Options of a patch.', {
    dryRun: 'All does everything but store the result; default none.',
    force: 'For apply only: whether members that others own are taken over; default false.',
    fieldManager: 'Name under which the members written are owned; needed for apply.',
    fieldValidation: 'Ignore, Warn or Strict: what unknown and repeated members lead to; default Warn.',
  }],
  Preconditions: ['What must hold of an object for a delete to be done.', {
    uid: 'Identity that the object must have.',
    resourceVersion: 'Version that the object must have.',
  }],
  RootPaths: ['Paths that are served.', {
    paths: 'Every path that answers, sorted.',
  }],
  ServerAddressByClientCIDR: ['A server address and the clients it is for.', {
    clientCIDR: "Range of the clients' addresses.",
    serverAddress: 'Address that they should use.',
  }],
  ShardInfo: ['Which part of all objects a list holds.', {
    selector: 'The selector that chose them.',
  }],
  Status: ['The outcome of a call that returns no object.', {
    status: 'Success or Failure.',
    message: 'A sentence on what happened.',
    reason: 'One word on why it failed, such as NotFound; programs go by it.',
    details: 'What the outcome is about.',
    code: 'The HTTP status code that belongs to it.',
  }],
  StatusCause: ['One cause of a failure.', {
    reason: 'One word on the cause, such as FieldValueInvalid.',
    message: 'A sentence on the cause.',
    field: 'Path of the member at fault, such as spec.ports[0].name.',
  }],
  StatusDetails: ['What the outcome of a call is about.', {
    name: 'Name of the object.',
    group: 'Group of the resource.',
    kind: 'Kind, or resource, of the object.',
    causes: 'Every cause of the failure.',
    retryAfterSeconds: 'Seconds after which to try again.',
    uid: 'Identity of the object.',
  }],
  TableOptions: ['Options of a list shown as a table.', {
    includeObject: 'None, Metadata or Object: how much of each object comes with its row; default Metadata.',
  }],
  Time: ['A time to the second, written in RFC 3339.', microTimeFields],
  Timestamp: ['A time as it is encoded in binary.', microTimeFields],
  TypeMeta: ['Kind and version of an object.', {
    kind: 'Kind of the object.',
    apiVersion: 'Group and version of the object.',
  }],
  UpdateOptions: ['Options of an update.', {
    dryRun: 'All does everything but store the result; default none.',
    fieldManager: "Name under which the members written are owned, up to 128 characters; default the client's name.",
    fieldValidation: 'Ignore, Warn or Strict: what unknown and repeated members lead to; default Warn.',
  }],
  Verbs: ['Verbs of a resource.', {
    items: 'The verbs, such as get and list.',
  }],
  WatchEvent: ['One change that a watch tells of.', {
    type: 'ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.',
    object: 'The object after the change, before its deletion, or a Status for ERROR.',
  }],
};
