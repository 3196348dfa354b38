import { ISignal, Signal } from '@lumino/signaling';
import { ControlSocket } from '../control';
import { AgentMode, IAgents, IAuditEntry } from '../shapes';
import { ENTRIES } from './past';

/** Whether peers may ask the agents of this node, and which questions are being answered. */
export class AgentSwitch {
  constructor(private readonly _control: ControlSocket) {
    _control.eventReceived.connect((_, { event, data }) => {
      if (event === 'agents') {
        this._set(data as IAgents);
      }
    });
    _control.stateChanged.connect(() => void this._load());
    void this._load();
  }

  /** Null until the server has said. */
  get agents(): IAgents | null {
    return this._agents;
  }

  get changed(): ISignal<this, IAgents | null> {
    return this._changed;
  }

  async turnOn(mode?: AgentMode): Promise<void> {
    this._set(await this._control.request<IAgents>('agent_on', mode ? { mode } : {}));
  }

  /** Let this agent answer the questions that name none. */
  async choose(agent: string): Promise<void> {
    this._set(await this._control.request<IAgents>('agent_on', { agent }));
  }

  /** Stop peers from asking; the questions being answered end. */
  async turnOff(): Promise<void> {
    this._set(await this._control.request<IAgents>('agent_off'));
  }

  /** Let only these peers ask an agent, by their node ids; null lets every paired peer ask. */
  async allow(agent: string, only: string[] | null): Promise<void> {
    this._set(await this._control.request<IAgents>('agent_allow', { agent, only }));
  }

  /** Remove an agent of whichever kernel; the questions that it answers end. */
  async remove(name: string): Promise<void> {
    await this._control.request('agent_unregister', { name });
  }

  async stopTurn(turn: number): Promise<void> {
    this._set(await this._control.request<IAgents>('stop_turn', { turn }));
  }

  /** The newest entries of the audit log. */
  async audit(): Promise<IAuditEntry[]> {
    return (await this._control.request<{ audit: IAuditEntry[] }>('audit', { limit: ENTRIES }))
      .audit;
  }

  private async _load(): Promise<void> {
    if (this._control.state === 'open') {
      try {
        this._set(await this._control.request<IAgents>('agents'));
      } catch {
        // The next event tells it.
      }
    }
  }

  private _set(agents: IAgents): void {
    this._agents = agents;
    this._changed.emit(agents);
  }

  private readonly _changed = new Signal<this, IAgents | null>(this);
  private _agents: IAgents | null = null;
}
