import { convertObject, type FieldVersion, type JsonObject, type Resource } from '@navarch/api';

/** How objects of `resource` read in another form of them, for field ownership that was recorded there. */
export function fieldVersion(resource: Resource, other: Resource): FieldVersion {
  const converted = (json: JsonObject, from: Resource, to: Resource): JsonObject => to.codec.toJson(convertObject(from.codec.fromJson(json, { fieldValidation: 'Ignore' }), from, to));
  return {
    message: other.codec.message,
    from: (json) => converted(json, resource, other),
    back: (json) => converted(json, other, resource),
  };
}
