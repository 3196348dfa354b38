/**
 * The primitives of SPEC sections 1, 3 and 4: the browser's own where the page has them.
 *
 * A page without a secure context (plain http in a local network) has no `crypto.subtle`, and older
 * browsers lack Ed25519 and X25519 in it. There the audited noble libraries do the same.
 */

import { gcm } from '@noble/ciphers/aes.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';

import { type Bytes, utf8 } from './bytes';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** Opens or seals with one AES-256-GCM key. */
export interface ISealKey {
  seal(nonce: Bytes, plain: Bytes): Promise<Bytes>;
  /** @throws Error, when the frame does not open. */
  open(nonce: Bytes, sealed: Bytes): Promise<Bytes>;
}

export interface ISigner {
  readonly publicKey: Bytes;
  sign(data: Bytes): Promise<Bytes>;
}

export interface IPrimitives {
  /** A signer with this Ed25519 seed (32 bytes). */
  signer(seed: Bytes): Promise<ISigner>;
  verify(publicKey: Bytes, signature: Bytes, data: Bytes): Promise<boolean>;
  sealKey(key: Bytes): Promise<ISealKey>;
}

export const hash = (data: Uint8Array): Bytes => sha256(data) as Bytes;

/** The public half of an X25519 key (RFC 7748). */
export const x25519Public = (secret: Bytes): Bytes => x25519.getPublicKey(secret) as Bytes;

/** @throws Error, when the result is all zero: the other key is of low order. */
export const x25519Shared = (secret: Bytes, theirs: Bytes): Bytes =>
  x25519.getSharedSecret(secret, theirs) as Bytes;

export const hkdf96 = (shared: Bytes, salt: Bytes, info: string): Bytes =>
  hkdf(sha256, shared, salt, utf8(info), 96) as Bytes;

/** The id that a public key certifies (SPEC section 1). */
export const nodeIdOf = (publicKey: Bytes): string => nodeIdOfHash(hash(publicKey));

/** The same of the SHA-256 of a key. */
export function nodeIdOfHash(digest: Bytes): string {
  let id = '';
  for (let bit = 0; bit < 80; bit += 5) {
    const pair = (digest[bit >> 3] << 8) | digest[(bit >> 3) + 1];
    id += BASE32[(pair >> (11 - (bit & 7))) & 31];
  }
  return id;
}

export const noble: IPrimitives = {
  signer: seed =>
    Promise.resolve({
      publicKey: ed25519.getPublicKey(seed) as Bytes,
      sign: data => Promise.resolve(ed25519.sign(data, seed) as Bytes)
    }),
  // Strict as RFC 8032 has it, so that both engines accept the same signatures.
  verify: (publicKey, signature, data) => {
    try {
      return Promise.resolve(ed25519.verify(signature, data, publicKey, { zip215: false }));
    } catch {
      return Promise.resolve(false);
    }
  },
  sealKey: key =>
    Promise.resolve({
      seal: (nonce, plain) => Promise.resolve(gcm(key, nonce).encrypt(plain) as Bytes),
      open: (nonce, sealed) =>
        new Promise(resolve => resolve(gcm(key, nonce).decrypt(sealed) as Bytes))
    })
};

/** PKCS#8 of an Ed25519 seed is this and the seed (RFC 8410). */
const PKCS8 = Uint8Array.of(48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32);

function webCrypto(subtle: SubtleCrypto): IPrimitives {
  return {
    async signer(seed) {
      const pkcs8 = new Uint8Array([...PKCS8, ...seed]);
      const key = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']);
      return {
        publicKey: ed25519.getPublicKey(seed) as Bytes,
        sign: async data => new Uint8Array(await subtle.sign('Ed25519', key, data))
      };
    },
    async verify(publicKey, signature, data) {
      try {
        const key = await subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
        return await subtle.verify('Ed25519', key, signature, data);
      } catch {
        return false;
      }
    },
    async sealKey(bytes) {
      const key = await subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
      const algorithm = (iv: Bytes) => ({ name: 'AES-GCM', iv });
      return {
        seal: async (nonce, plain) =>
          new Uint8Array(await subtle.encrypt(algorithm(nonce), key, plain)),
        open: async (nonce, sealed) =>
          new Uint8Array(await subtle.decrypt(algorithm(nonce), key, sealed))
      };
    }
  };
}

/** Return the browser's own primitives where it has all of them, else noble's. */
export async function primitives(
  subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle
): Promise<IPrimitives> {
  if (!subtle) {
    return noble;
  }
  try {
    const own = webCrypto(subtle);
    const signer = await own.signer(new Uint8Array(32));
    const signature = await signer.sign(utf8('probe'));
    return (await own.verify(signer.publicKey, signature, utf8('probe'))) ? own : noble;
  } catch {
    return noble;
  }
}
