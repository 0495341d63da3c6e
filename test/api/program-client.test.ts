import { expect, onTestFinished, test } from 'vitest';
import { AgentClient, AgentError } from '../../src/client.js';
import { openRawServer, sendJson } from '../helpers/raw-server.js';

async function openRefusing(status: number, code: string): Promise<AgentClient> {
  const server = await openRawServer((_request, response) =>
    sendJson(response, status, { error: { code, message: 'refused' } }),
  );
  const client = new AgentClient({ baseUrl: server.url, apiKey: 'k', retry: { maxRetries: 0 } });
  onTestFinished(async () => {
    await client.close();
    await server.close();
  });
  return client;
}

test.each([
  [401, 'INVALID_API_KEY', 'Check apiKey: the agent does not accept this key.'],
  [403, 'INVALID_REQUEST', 'Check the address of the API (baseUrl).'],
  [402, 'NO_MORE_CREDITS', 'Add credits to the account, then call it again to resume.'],
])('a refusal with %i names options of the client, from each method', async (status, code, hint) => {
  const client = await openRefusing(status, code);
  const expected = { name: 'AgentError', code, status, hint, outcome: 'not_created' };
  const request = { query: 'q' };
  const failed = await client.create(request).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(AgentError);
  expect(failed).toMatchObject(expected);
  await expect(client.start(request)).rejects.toMatchObject(expected);
  await expect(client.stream(request).next()).rejects.toMatchObject(expected);
  await expect(client.listAll().next()).rejects.toMatchObject({ code, hint });
});

test('an option that is not valid is named as in the client', () => {
  expect(() => new AgentClient({ baseUrl: 'http://user:pw@127.0.0.1' })).toThrow(
    expect.objectContaining({
      hint: 'Leave out user name, password, query and fragment; the key comes from apiKey.',
    }),
  );
});
