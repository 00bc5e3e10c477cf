import type { PackageText } from './text';

/** Documentation of certificates.k8s.io/v1. */
export const certificates: PackageText = {
  CertificateSigningRequest: ['Asks a signer for a certificate.'],
  CertificateSigningRequestCondition: ['One aspect of the request that holds.', {
    type: 'The aspect: Approved, Denied or Failed; the first two exclude each other and stay.',
  }],
  CertificateSigningRequestSpec: ['Which certificate is wanted, and who asks; cannot change.', {
    request: 'The request in PEM, PKCS 10.',
    username: 'Name of the user who asks; set by the server.',
    uid: 'Identity of the user who asks; set by the server.',
    groups: 'Groups of the user who asks; set by the server.',
    usages: 'What the key is to be used for, such as client auth.',
    extra: 'Further facts of the user who asks; set by the server.',
    signerName: 'Signer that is asked, such as kubernetes.io/kubelet-serving.',
    expirationSeconds: 'Wanted life in seconds, at least 600; the signer may give less.',
  }],
  CertificateSigningRequestStatus: ['What became of the request.', {
    certificate: 'The certificate chain in PEM, once issued.',
  }],
  ExtraValue: ['Values of one further fact of a user.', {
    items: 'The values in the order given.',
  }],
};
