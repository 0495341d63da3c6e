/** True for a name under which people keep what nobody else may see. */
export function isSecretName(name: string): boolean {
  const folded = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  return (
    /apikey|secret|password|passwd|credential|authorization|bearer|privatekey|accesskey|token$/.test(
      folded,
    ) ||
    /^(key|auth|exakey)$/.test(folded) ||
    /_KEY$/.test(name)
  );
}
