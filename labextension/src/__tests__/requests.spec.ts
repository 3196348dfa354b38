import { ServerConnection } from '@jupyterlab/services';
import { describe, expect, it, vi } from 'vitest';
import { PeerError, requestAPI } from '../requests';
import { ADA, serverSettings } from './fakes';

function answering(response: () => Promise<Response>): ServerConnection.ISettings {
  return ServerConnection.makeSettings({
    baseUrl: 'http://127.0.0.1/',
    fetch: response as unknown as typeof fetch
  });
}

describe('requestAPI', () => {
  it('asks below the base url of a hub user', async () => {
    const settings = serverSettings({ identity: ADA });
    expect(await requestAPI('identity', settings)).toEqual(ADA);
    const request = vi.mocked(settings.fetch).mock.calls[0][0] as Request;
    expect(request.url).toMatch(/^http:\/\/127\.0\.0\.1:8888\/user\/ada\/jupyter-peer\/api\//);
  });

  it('throws the refusal that the server words', async () => {
    const refusal = { code: 'invite_used', message: 'it was used', hint: 'ask for another' };
    const settings = answering(async () => new Response(JSON.stringify(refusal), { status: 403 }));
    await expect(requestAPI('pair', settings)).rejects.toMatchObject(refusal);
  });

  it('says how to enable a server extension that is not there', async () => {
    const answer = requestAPI('identity', serverSettings());
    await expect(answer).rejects.toBeInstanceOf(PeerError);
    await expect(answer).rejects.toMatchObject({
      code: 'not_enabled',
      hint: expect.stringContaining('jupyter server extension enable jupyter_peer')
    });
  });

  it('says that a login is needed', async () => {
    const settings = answering(async () => new Response('<html>', { status: 403 }));
    await expect(requestAPI('identity', settings)).rejects.toMatchObject({ code: 'unauthorized' });
  });

  it('says that the server does not answer', async () => {
    const settings = answering(async () => {
      throw new TypeError('network');
    });
    await expect(requestAPI('identity', settings)).rejects.toMatchObject({ code: 'no_server' });
  });

  it('copes with an error page of a proxy', async () => {
    const settings = answering(async () => new Response('<html>bad gateway', { status: 502 }));
    await expect(requestAPI('identity', settings)).rejects.toThrow('status 502');
  });
});
