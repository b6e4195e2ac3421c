// The types of `src/contract.ts`, made from the OpenAPI document of the service.

/** As much of JSON Schema as the document uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: string[];
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  required?: string[];
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}

export interface OpenApi {
  components: { schemas: Record<string, Schema> };
}

const SCALARS: Record<string, string> = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null' };

/** Longest array that is written as a tuple. */
const LONGEST_TUPLE = 4;

/** `src/contract.ts` for a document. */
export function contract(document: OpenApi): string {
  const head = '// Made from docs/openapi.json by `make contract`: change the service, not this file. Nothing here runs.\n';
  return [head, ...Object.entries(document.components.schemas).map(([name, schema]) => declaration(name, schema))].join('\n');
}

function declaration(name: string, schema: Schema): string {
  const isObject = schema.properties !== undefined && typeof schema.type === 'string';
  const text = isObject ? `interface ${name} ${members(schema, '')}` : `type ${name} = ${type(schema, '')};`;
  return `${comment(schema.description, '')}export ${text}\n`;
}

/** The type of a schema that stands behind so many blanks. */
function type(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) {
    return schema.$ref.replace('#/components/schemas/', '');
  }
  if (schema.enum !== undefined) {
    return schema.enum.map((word) => `'${word}'`).join(' | ');
  }
  if (schema.allOf !== undefined) {
    return schema.allOf.map((part) => grouped(part, indent)).join(' & ');
  }
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices !== undefined) {
    // What may be nothing is named first, and nothing last.
    const types = choices.map((choice) => type(choice, indent));
    return [...types.filter((one) => one !== 'null'), ...types.filter((one) => one === 'null')].join(' | ');
  }
  const kinds = schema.type === undefined ? [] : [schema.type].flat();
  return kinds.length === 0 ? 'unknown' : kinds.map((kind) => ofKind(kind, schema, indent)).join(' | ');
}

function ofKind(kind: string, schema: Schema, indent: string): string {
  switch (kind) {
    case 'array':
      return array(schema, indent);
    case 'object':
      return schema.properties === undefined ? dictionary(schema, indent) : members(schema, indent);
    default:
      return SCALARS[kind] ?? 'unknown';
  }
}

function array(schema: Schema, indent: string): string {
  const items = schema.items ?? {};
  const { minItems, maxItems } = schema;
  if (minItems !== undefined && minItems === maxItems && maxItems <= LONGEST_TUPLE) {
    return `[${Array.from({ length: maxItems }, () => type(items, indent)).join(', ')}]`;
  }
  return `${grouped(items, indent)}[]`;
}

function dictionary(schema: Schema, indent: string): string {
  const values = schema.additionalProperties;
  return `Record<string, ${typeof values === 'object' ? type(values, indent) : 'unknown'}>`;
}

/** A type that may stand before `[]` or `&`. */
function grouped(schema: Schema, indent: string): string {
  const text = type(schema, indent);
  const isUnion = (schema.oneOf ?? schema.anyOf ?? schema.allOf ?? schema.enum) !== undefined || Array.isArray(schema.type);
  return isUnion ? `(${text})` : text;
}

function members(schema: Schema, indent: string): string {
  const inner = `${indent}  `;
  const lines = Object.entries(schema.properties ?? {}).map(([name, member]) => {
    const mark = schema.required?.includes(name) ? '' : '?';
    return `${comment(member.description, inner)}${inner}${name}${mark}: ${type(member, inner)};\n`;
  });
  return `{\n${lines.join('')}${indent}}`;
}

function comment(text: string | undefined, indent: string): string {
  return text === undefined ? '' : `${indent}/** ${text.trim().replaceAll('\n', `\n${indent} * `)} */\n`;
}
