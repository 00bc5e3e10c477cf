/**
 * $(NAME) in commands, arguments and values: replaced where NAME is known, left as it stands where not; $$ is a dollar.
 */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([^()]*)\)/g, (match, name: string | undefined) => (name === undefined ? '$' : variables.get(name) ?? match));
}
