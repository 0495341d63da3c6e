import { describe, expect, test } from 'vitest';
import { formatSnippet, parseErrorResponse } from '../../src/api/agent-error.js';

describe('the three shapes of an error', () => {
  test('nested: from the agent itself', () => {
    const body = { error: { type: 'NOT_FOUND', code: 'RUN_NOT_FOUND', message: 'No such run.', runId: 'x' } };
    expect(parseErrorResponse(JSON.stringify(body))).toEqual({
      wellFormed: true,
      type: 'NOT_FOUND',
      code: 'RUN_NOT_FOUND',
      message: 'No such run.',
      requestId: null,
    });
  });

  test('nested with a detail: the message includes it', () => {
    const body = { error: { code: 'INVALID_REQUEST', message: 'Bad.', detail: '[{"keys":["strem"]}]' } };
    expect(parseErrorResponse(JSON.stringify(body)).message).toBe('Bad. [{"keys":["strem"]}]');
  });

  test('flat: from the gateway', () => {
    const body = { requestId: 'req_1', error: 'Add credits.', tag: 'NO_MORE_CREDITS' };
    expect(parseErrorResponse(JSON.stringify(body))).toEqual({
      wellFormed: true,
      type: null,
      code: 'NO_MORE_CREDITS',
      message: 'Add credits.',
      requestId: 'req_1',
    });
  });

  test('flat with only the error', () => {
    expect(parseErrorResponse('{"error":"Slow down"}')).toMatchObject({ wellFormed: true, code: null });
  });

  test.each([
    ['<html><body>502 Bad Gateway</body></html>'],
    ['upstream connect error'],
    [''],
    ['{"error":{}}'],
    ['{"error":42}'],
    ['{"message":"Not Found"}'],
    ['[1]'],
    ['null'],
    ['{"error":{"code":"X"'],
  ])('anything else is not well-formed: %s', (body) => {
    expect(parseErrorResponse(body)).toMatchObject({ wellFormed: false, type: null, code: null });
  });
});

test('a snippet is one line without control characters and has a maximum length', () => {
  expect(formatSnippet('a\r\n\tb\u001b[31mred\u202e')).toBe('a bred');
  expect(formatSnippet('x'.repeat(100_000))).toHaveLength(501);
});
