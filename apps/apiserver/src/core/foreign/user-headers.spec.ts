import { userHeaders } from './user-headers';

describe('who asks, as other servers are told', () => {
  it('is a name, a uid, every group and every extra value, in UTF-8, with keys that header names can have', () => {
    expect(userHeaders({ name: 'zoë', uid: '1', groups: ['a', 'b'], extra: { 'example.com/Pod Name': ['x', 'y'] } })).toEqual({
      'x-remote-user': 'zo\u00c3\u00ab', 'x-remote-uid': '1', 'x-remote-group': ['a', 'b'], 'x-remote-extra-example.com%2fpod%20name': ['x', 'y'],
    });
  });

  it.each(['eve\r\nX-Remote-Group: system:masters', 'eve\nx', 'eve\0'])('cannot smuggle in another header: %j', (name) => {
    expect(() => userHeaders({ name, groups: [] })).toThrow('control characters');
    expect(() => userHeaders({ name: 'eve', groups: [name] })).toThrow('control characters');
    expect(() => userHeaders({ name: 'eve', groups: [], extra: { key: [name] } })).toThrow('control characters');
  });
});
