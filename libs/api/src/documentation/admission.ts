import type { PackageText } from './text';

/** Documentation of admission.k8s.io/v1, which webhooks are called with. */
export const admission: PackageText = {
  AdmissionRequest: ['What a webhook is asked about.', {
    uid: 'Identity of this question; the answer repeats it.',
    kind: 'Kind and version that the object is sent in.',
    resource: 'Resource and version that the webhook asked for.',
    subResource: 'Subresource that is written, such as status.',
    name: 'Name of the object; empty while it is to be generated.',
    namespace: 'Namespace of the object, if it has one.',
    operation: 'CREATE, UPDATE, DELETE or CONNECT.',
    userInfo: 'Who makes the request.',
    object: 'The object as it would be; null for DELETE.',
    oldObject: 'The object as it is; null for CREATE and CONNECT.',
    dryRun: 'Whether nothing will be stored; default false.',
    options: 'Options of the request, such as CreateOptions.',
    requestKind: 'Kind and version that the request was made in.',
    requestResource: 'Resource and version that the request was made in.',
    requestSubResource: 'Subresource that the request was made in.',
  }],
  AdmissionResponse: ['What a webhook answers.', {
    uid: 'Identity of the question.',
    allowed: 'Whether the request may go on.',
    status: 'Why it may not.',
    patch: 'Change of the object; for mutating webhooks only.',
    patchType: 'Form of the patch; only JSONPatch is known.',
    auditAnnotations: 'Notes for the audit log.',
    warnings: 'What the user is warned of; short lines without a prefix.',
  }],
  AdmissionReview: ['A question to a webhook, or its answer.', {
    request: 'The question.',
    response: 'The answer.',
  }],
};
