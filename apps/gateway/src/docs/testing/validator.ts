import Ajv, { type ValidateFunction } from 'ajv/dist/2020';
import addFormats from 'ajv-formats';
import type { Schema } from '../../description/json-schema';

/**
 * Compiles the schemas of a document as strictly as possible: an unknown keyword throws, and so does a reference
 * without a target. What the schemas refer to is compiled once for all of them.
 */
export function validatorOf(document: {
  components: { schemas: Record<string, Schema> };
}): (schema: Schema) => ValidateFunction {
  const ajv = new Ajv({ strict: true, strictRequired: false, strictTypes: false, allErrors: true });
  addFormats(ajv);
  ajv.addVocabulary(['components']);
  const { schemas } = document.components;
  ajv.addSchema({ $id: 'document', components: { schemas } });
  return (schema) =>
    ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"document#/components/')) as Schema);
}
