import { AuthenticationError } from "../errors/index.ts";
import { processIdentity } from "../process/identity.ts";
import { crypto } from "../util/builtin.ts";

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals a manager's key with the key of this family of processes: whoever it reaches inside the family
 * can open it, others learn nothing.
 */
export function sealKey(key: Uint8Array): Uint8Array {
  const iv = crypto().randomBytes(IV_BYTES);
  const cipher = crypto().createCipheriv("aes-256-gcm", sealingKey(), iv);
  const sealed = Buffer.concat([cipher.update(key), cipher.final()]);
  return new Uint8Array(Buffer.concat([iv, cipher.getAuthTag(), sealed]));
}

/** @throws AuthenticationError when it was sealed in another family of processes. */
export function openKey(sealed: Uint8Array): Uint8Array {
  const iv = sealed.subarray(0, IV_BYTES);
  const tag = sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
  try {
    const decipher = crypto().createDecipheriv("aes-256-gcm", sealingKey(), iv, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAuthTag(tag);
    const key = [decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES)), decipher.final()];
    return new Uint8Array(Buffer.concat(key));
  } catch (error) {
    throw new AuthenticationError(
      "A manager's proxy arrived from a program that is no relative of this one: call Manager.connect() with the manager's key first.",
      { cause: error },
    );
  }
}

function sealingKey(): Uint8Array {
  return crypto()
    .createHmac("sha256", processIdentity().authKey)
    .update("manycore manager")
    .digest();
}
