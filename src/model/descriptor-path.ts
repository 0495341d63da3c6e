import { resolve } from 'node:path';

const DESCRIPTOR =
  /^\/(?:dev\/(?:stdin|stdout|stderr|fd\/\d+)|proc\/(?:self|thread-self|\d+)(?:\/task\/\d+)?\/fd\/\d+)$/;

/** True for a path that stands for an open file of a process, such as `/dev/stdin` or what `<(…)` gives: it has no folder of its own. */
export function isDescriptorPath(path: string): boolean {
  return DESCRIPTOR.test(resolve(path));
}
