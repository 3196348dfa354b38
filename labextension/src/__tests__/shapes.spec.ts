import ts from 'typescript';
import { expect, it } from 'vitest';

import source from '../shapes.ts?raw';

// Written from the server's operation table.
const golden = ts.sys.readFile('../tests/vectors/operations.json') ?? '';
const { sent } = JSON.parse(golden) as {
  sent: Record<string, Record<string, string>>;
};

/** Each shape, and the server's struct it must fit, as a type. */
const STRUCTS: Record<string, string> = {
  IAgent: 'AgentModel',
  IAgentFailure: 'AgentFailureModel',
  IAgents: 'AgentsModel',
  IAnswerDisplay: 'DisplayModel',
  IApproval: 'ApprovalModel',
  IArgument: 'ArgumentModel',
  IAskPiece: 'AskPiece',
  IAsker: 'AskerModel',
  IAtLobby: 'AtLobbyModel',
  IAuditEntry: 'AuditModel',
  IChatLine: 'ChatLineModel',
  IChats: 'ChatsResult',
  IEnteredRoom: 'RoomResult',
  IFailure: 'ErrorModel',
  IFinding: 'Finding',
  IFoundNode: 'FoundModel',
  IGuest: 'GuestModel',
  IIdentity: 'SelfModel',
  IInvite: 'InviteModel',
  ILink: 'LinkModel',
  ILobby: 'LobbyModel',
  IMintedInvite: 'InviteResult',
  IMintedLink: 'LinkResult',
  IOfferedPane: 'OfferedModel',
  IOwnPane: 'PaneModel',
  IPaneInfo: 'PaneInfoModel',
  IPaneLists: 'PanesResult',
  // An event without a step has `info` alone.
  IPaneStep: "Required<Omit<PaneEvent, 'watch' | 'info'>>",
  IPeer: 'PeerModel',
  IPeerAgent: 'PeerAgentModel',
  IPeerList: 'PeersResult',
  IPhrase: 'Phrase',
  IProgress: 'StepModel',
  IReach: 'ReachResult',
  IRoom: 'RoomModel',
  ITool: 'ToolModel',
  ITurn: 'TurnModel',
  IViewer: 'ViewerModel'
};

/** What the compiler says about the shapes, given these structs. */
function problems(structs: typeof sent): string[] {
  const text = [
    "import * as shapes from './shapes';",
    ...Object.entries(structs).map(
      ([name, fields]) =>
        `interface ${name} {${Object.entries(fields)
          .map(([field, type]) => `${field}: ${type};`)
          .join(' ')}}`
    ),
    ...Object.entries(STRUCTS).flatMap(([shape, struct], n) => [
      `export const fits${n}: shapes.${shape} = null! as ${struct};`,
      `export const known${n}: keyof (${struct}) = null! as keyof shapes.${shape};`
    ])
  ].join('\n');
  const files: Record<string, string> = {
    '/check.ts': text,
    '/shapes.ts': source
  };
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    types: [],
    lib: ['lib.es2020.d.ts'],
    target: ts.ScriptTarget.ES2020
  };
  const host = ts.createCompilerHost(options);
  const disk = host.getSourceFile.bind(host);
  host.fileExists = name => name in files;
  host.getSourceFile = (name, target) =>
    name in files ? ts.createSourceFile(name, files[name], target) : disk(name, target);
  return ts
    .getPreEmitDiagnostics(ts.createProgram(['/check.ts'], options, host))
    .map(each => ts.flattenDiagnosticMessageText(each.messageText, '\n'));
}

it('has every shape checked', () => {
  const shapes = source.matchAll(/^export interface (\w+)/gm);
  expect([...shapes].map(match => match[1]).sort()).toEqual(Object.keys(STRUCTS));
});

it('fits what the server sends', () => {
  expect(problems(sent)).toEqual([]);
  // The compiler runs once, which a busy machine can draw out beyond the usual five seconds.
}, 60_000);

it('fits no more once the server renames or retypes a field', () => {
  const { alias, ...others } = sent.PeerModel;
  const renamed = { ...sent, PeerModel: { ...others, nickname: alias } };
  expect(problems(renamed).join()).toContain("'alias'");
  const retyped = { ...sent, InviteModel: { ...sent.InviteModel, id: 'number' } };
  expect(problems(retyped)).not.toEqual([]);
  const { fingerprint, ...rest } = sent.SelfModel;
  expect(problems({ ...sent, SelfModel: rest }).join()).toContain('fingerprint');
  expect(fingerprint).toBe('string');
  // The compiler runs three times.
}, 60_000);
