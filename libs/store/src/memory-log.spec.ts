import { createMemoryHarness, objectLogContract } from './testing';

objectLogContract('memory', async () => createMemoryHarness());
