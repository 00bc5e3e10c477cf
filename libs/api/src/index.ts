/** What the API is made of: one value per kind, its codecs, defaults, validation and patches. Pure; no transport, no clock. */
export type {
  ApiObject, Column, FieldError, FieldValidation, GroupVersionResource, JsonObject, JsonValue, MessageCodec, Resource,
  ResourceRegistry, StatusStrategy,
} from './resource';
