/** The key for an agent, or what reads it: called at the start, and again when the agent refuses the key (401). */
export type ApiKey = string | (() => string);
