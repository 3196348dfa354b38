import { describe, expect, it, vi } from 'vitest';
import { fromBase64, PaneComm } from '../widgets/comm';

describe('PaneComm', () => {
  it('sends what a model says, with its buffers as text', () => {
    const send = vi.fn();
    const comm = new PaneComm('c1', send);
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
    const comm = new PaneComm('c1', vi.fn());
    const listener = vi.fn();
    comm.on_msg(listener);
    const content = { comm_id: 'c1', data: { method: 'echo_update', state: {} } };
    comm.hear({ msg_type: 'comm_msg', content, buffers: ['AQID'], re: 'i7' });
    const heard = listener.mock.lastCall![0];
    expect(heard.parent_header).toEqual({ msg_id: 'i7' });
    expect([...new Uint8Array(heard.buffers[0].buffer)]).toEqual([1, 2, 3]);
  });

  it('ends when the owner says so and not by itself', () => {
    const comm = new PaneComm('c1', vi.fn());
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
