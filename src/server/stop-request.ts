/** The reason of an abort that asks the agent to hand over what it has so far. */
export class StopRequest extends Error {
  override readonly name = 'StopRequest';

  constructor() {
    super('The run was stopped: hand over what was found so far.');
  }
}
