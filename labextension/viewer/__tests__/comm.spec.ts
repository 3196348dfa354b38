import { describe, expect, it, vi } from 'vitest';
import { fromBase64, PaneComm } from '../widgets/comm';

describe('PaneComm', () => {
  it('sends what a model says, with its buffers as text', () => {
    const send = vi.fn();
    const comm = new PaneComm('c1', { state: {} }, send);
    const bytes = new Uint8Array([9, 1, 2, 3]).subarray(1);
    const id = comm.send({ method: 'update', state: {} }, undefined, {}, [bytes]);
    const [message, sentId] = send.mock.lastCall!;
    expect(sentId).toBe(id);
    expect(message).toEqual({
      msg_type: 'comm_msg',
      content: { comm_id: 'c1', data: { method: 'update', state: {} } },
      buffers: ['AQID']
    });
  });

  it('hands on what the kernel says, with the input that it answers', () => {
    const comm = new PaneComm('c1', { state: {} }, vi.fn());
    const listener = vi.fn();
    comm.on_msg(listener);
    const content = { comm_id: 'c1', data: { method: 'echo_update', state: {} } };
    void comm.hear({ msg_type: 'comm_msg', content, buffers: ['AQID'], re: 'i7' });
    const heard = listener.mock.lastCall![0];
    expect(heard.parent_header).toEqual({ msg_id: 'i7' });
    expect([...new Uint8Array(heard.buffers[0].buffer)]).toEqual([1, 2, 3]);
  });

  it('takes back what is refused: the model hears how it is at the owner’s', () => {
    const send = vi.fn();
    const state = { value: 1, image: null, other: 5 };
    const buffers = [{ path: ['image'], encoding: 'base64' as const, data: 'AQID' }];
    const comm = new PaneComm('c1', { state, buffers }, send);
    const listener = vi.fn();
    comm.on_msg(listener);
    const first = comm.send({ method: 'update', state: { value: 7 } });
    const second = comm.send({ method: 'update', state: { image: null }, buffer_paths: [] });
    // The owner's page has moved it meanwhile.
    const moved = { method: 'echo_update', state: { value: 2 } };
    void comm.hear({ msg_type: 'comm_msg', content: { comm_id: 'c1', data: moved } });
    comm.takeBack(first);
    expect(listener).toHaveBeenCalledTimes(2);
    expect(listener.mock.lastCall![0]).toMatchObject({
      content: { data: { method: 'echo_update', state: { value: 2 }, buffer_paths: [] } },
      parent_header: { msg_id: first }
    });
    comm.takeBack();
    const heard = listener.mock.lastCall![0];
    expect(heard.parent_header).toEqual({ msg_id: second });
    expect(heard.content.data.buffer_paths).toEqual([['image']]);
    expect([...new Uint8Array(heard.buffers[0].buffer)]).toEqual([1, 2, 3]);
    comm.takeBack();
    expect(listener).toHaveBeenCalledTimes(3);
  });

  it('leaves alone what was taken', () => {
    const comm = new PaneComm('c1', { state: { value: 1 } }, vi.fn());
    const listener = vi.fn();
    comm.on_msg(listener);
    const id = comm.send({ method: 'update', state: { value: 7 } });
    const echo = { method: 'echo_update', state: { value: 7 } };
    void comm.hear({ msg_type: 'comm_msg', content: { comm_id: 'c1', data: echo }, re: id });
    comm.takeBack();
    expect(listener).toHaveBeenCalledOnce();
  });

  it('ends when the owner says so and not by itself', () => {
    const comm = new PaneComm('c1', { state: {} }, vi.fn());
    const closed = vi.fn();
    comm.on_close(closed);
    comm.close();
    expect(closed).not.toHaveBeenCalled();
    comm.end();
    expect(closed).toHaveBeenCalledOnce();
  });

  it('reads base64', () => {
    expect(fromBase64('').byteLength).toBe(0);
    expect(fromBase64('/w==').getUint8(0)).toBe(255);
  });
});
