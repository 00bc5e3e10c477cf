import { openTwoDoors, type TwoDoors } from './two-doors';

describe('/metrics', () => {
  let doors: TwoDoors;
  beforeAll(async () => { doors = await openTwoDoors(); });
  afterAll(() => doors.close());

  it('is for administrators, in Prometheus’ text format', async () => {
    const admin = await doors.rest();
    await admin.send({ method: 'GET', path: '/api/v1/namespaces' });
    const { status, headers, body } = await admin.send({ method: 'GET', path: '/metrics' });
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(body.toString()).toMatch(/^apiserver_request_total\{code="200",component="apiserver",group="",resource="namespaces",subresource="",verb="LIST",version="v1"\} 1$/m);
    expect(body.toString()).toMatch(/^apiserver_resource_objects\{resource="namespaces"\} 4$/m);
    const other = await doors.rest('alice', ['dev']);
    expect((await other.send({ method: 'GET', path: '/metrics' })).status).toBe(403);
  });
});
