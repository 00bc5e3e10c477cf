/** For whoever implements ApiClient, or tests against one. */
export { apiClientContract, type ApiClientUnderTest } from './api-client-contract';
export { createMemoryApi, type MemoryApi } from './memory-api';
