/** What a message is, and each of its fields by JSON name; fields that common.ts words may be left out. */
export type MessageText = readonly [about: string, fields?: Readonly<Record<string, string>>];

/** The messages of one package by name. */
export type PackageText = Readonly<Record<string, MessageText>>;
