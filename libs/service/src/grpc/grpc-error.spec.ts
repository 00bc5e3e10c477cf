import { Metadata, status as Code } from '@grpc/grpc-js';
import { ApiError, type ErrorReason } from '@navarch/base';

import { fromGrpcError, toGrpcError } from './grpc-error';
import { errorOfStatus, statusOfError } from './status';

const reasons: ErrorReason[] = [
  'BadRequest', 'Unauthorized', 'Forbidden', 'NotFound', 'MethodNotAllowed', 'NotAcceptable', 'AlreadyExists', 'Conflict', 'Gone', 'Expired', 'Invalid',
  'UnsupportedMediaType', 'RequestEntityTooLarge', 'TooManyRequests', 'Timeout', 'ServerTimeout', 'Unavailable', 'Canceled', 'Internal',
];
const nothing = (): string => 'id';

describe('an ApiError through gRPC', () => {
  it.each(reasons)('%s comes back as itself, with message and details', (reason) => {
    const error = new ApiError(reason, 'it did not work', { group: 'apps', kind: 'Deployment', name: 'web', uid: 'u', retryAfterSeconds: 7 });
    const back = fromGrpcError(toGrpcError(error, nothing));
    expect([back.reason, back.message, back.details]).toEqual([error.reason, error.message, error.details]);
  });

  it.each<[ErrorReason, Code]>([
    ['Invalid', Code.INVALID_ARGUMENT], ['BadRequest', Code.INVALID_ARGUMENT], ['NotFound', Code.NOT_FOUND], ['AlreadyExists', Code.ALREADY_EXISTS], ['Conflict', Code.ABORTED],
    ['Expired', Code.OUT_OF_RANGE], ['Forbidden', Code.PERMISSION_DENIED], ['Unauthorized', Code.UNAUTHENTICATED], ['TooManyRequests', Code.RESOURCE_EXHAUSTED],
    ['Unavailable', Code.UNAVAILABLE], ['Timeout', Code.DEADLINE_EXCEEDED], ['Internal', Code.INTERNAL],
  ])('%s has code %d', (reason, code) => {
    expect(toGrpcError(new ApiError(reason, 'x'), nothing).code).toBe(code);
  });

  it('what is no ApiError becomes an opaque Internal, reported once', () => {
    const reported: unknown[] = [];
    const failure = toGrpcError(new TypeError('secret'), (thrown) => {
      reported.push(thrown);
      return 'abc';
    });
    expect([failure.code, failure.details]).toEqual([Code.INTERNAL, 'internal error (abc)']);
    expect(reported).toHaveLength(1);
  });
});

describe('a failure of another server', () => {
  it.each<[Code, string, ErrorReason]>([
    [Code.NOT_FOUND, 'no', 'NotFound'], [Code.UNIMPLEMENTED, 'no', 'MethodNotAllowed'], [Code.RESOURCE_EXHAUSTED, 'quota', 'TooManyRequests'],
    [Code.RESOURCE_EXHAUSTED, 'Received message larger than max (5 vs 4)', 'RequestEntityTooLarge'], [Code.FAILED_PRECONDITION, 'no', 'Conflict'], [Code.UNKNOWN, 'no', 'Internal'],
    [Code.DATA_LOSS, 'no', 'Internal'],
  ])('code %d "%s" is %s', (code, details, reason) => {
    expect(fromGrpcError({ code, details, metadata: new Metadata() }).reason).toBe(reason);
  });

  it('with mangled details is told by its code', () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0xff]));
    expect(fromGrpcError({ code: Code.ABORTED, details: 'x', metadata }).reason).toBe('Conflict');
  });

  it('that is no gRPC failure at all is Internal, with its cause', () => {
    const cause = new Error('boom');
    expect(fromGrpcError(cause)).toMatchObject({ reason: 'Internal', message: 'boom', cause });
  });
});

describe("Kubernetes' Status", () => {
  it('uses its words where they differ from ours', () => {
    expect(statusOfError(new ApiError('Internal', 'x'))).toMatchObject({ status: 'Failure', reason: 'InternalError', code: 500 });
    expect(statusOfError(new ApiError('Unavailable', 'x'))).toMatchObject({ reason: 'ServiceUnavailable', code: 503 });
  });

  it('with a reason that we do not know is told by its code', () => {
    expect(errorOfStatus({ reason: 'SomethingNew', code: 409, message: 'x' }).reason).toBe('Conflict');
    expect(errorOfStatus({}).reason).toBe('Internal');
  });
});
