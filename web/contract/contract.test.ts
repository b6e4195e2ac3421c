import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type OpenApi, contract } from './generate';

test('the types of the page are those of the document; `make contract` makes them again', async () => {
  const document = JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8')) as OpenApi;
  await expect(contract(document)).toMatchFileSnapshot('../src/contract.ts');
});

test('a schema becomes the type that says as much', () => {
  const schemas = {
    Place: {
      type: 'object',
      required: ['code', 'name'],
      properties: { code: { type: ['string', 'null'] }, name: { type: 'string' }, row: { type: 'integer' } },
    },
    Kind: { type: 'string', enum: ['county', 'other'], description: 'What it is.' },
    Box: { type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 },
    Both: { allOf: [{ $ref: '#/components/schemas/Place' }, { type: 'object', properties: { kinds: { type: 'array', items: { enum: ['a', 'b'] } } } }] },
    Either: { oneOf: [{ type: 'null' }, { $ref: '#/components/schemas/Kind' }] },
    Facts: { type: 'object', additionalProperties: { type: 'string' } },
  };
  expect(contract({ components: { schemas } }).split('\n\n').slice(1).join('\n')).toBe(`export interface Place {
  code: string | null;
  name: string;
  row?: number;
}
/** What it is. */
export type Kind = 'county' | 'other';
export type Box = [number, number, number, number];
export type Both = Place & {
  kinds?: ('a' | 'b')[];
};
export type Either = Kind | null;
export type Facts = Record<string, string>;
`);
});
