import { win32 } from 'node:path';

/** Names of devices. Node would create a file of that name, which most programs can neither open nor delete. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
const MAX_UNITS = 255;

/**
 * Why a path's last part cannot be the name of a new file on Windows; null if it can. Windows itself reports such a name
 * as a missing file, writes the part after a colon where nobody finds it, or drops a dot at the end.
 */
export function findWindowsNameFault(path: string): string | null {
  const name = win32.basename(path);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Windows refuses them
  const odd = /[<>:"|?*\u0000-\u001f]/.exec(name.replace(/^[a-z]:/i, ''))?.[0];
  if (odd !== undefined) return `has a character in its name that Windows does not allow: ${odd}`;
  if (/[. ]$/.test(name) && !/^\.{1,2}$/.test(name))
    return 'ends in a dot or a blank, which Windows does not allow';
  const device = DEVICE.exec(name)?.[0];
  if (device !== undefined) return `has the name of a Windows device, ${device.replace('.', '')}`;
  return name.length > MAX_UNITS ? 'cannot be written: its name is too long' : null;
}
