import { createHash } from "node:crypto";

/** Sizes of "profilePhoto resource type". */
export const PHOTO_SIZES: readonly number[] = [48, 64, 96, 120, 240, 360, 432, 504, 648];

/** Who has a photo: most people, decided by their ids, unless it was set otherwise. */
export class Photos {
  readonly #set = new Map<string, boolean>();
  readonly #versions = new Map<string, number>();

  has(id: string): boolean {
    return this.#set.get(id) ?? shade(id) % 10 < 7;
  }

  /** Gives someone a photo, another one, or none. */
  set(id: string, present: boolean): void {
    this.#set.set(id, present);
    this.#versions.set(id, (this.#versions.get(id) ?? 0) + 1);
  }

  /** The image as JPEG, the same for the same person, size and version. */
  image(id: string, size: number): Buffer {
    return greyJpeg(size, (shade(id) + 37 * (this.#versions.get(id) ?? 0)) % 256);
  }

  etag(id: string): string {
    return createHash("sha256").update(this.image(id, 48)).digest("hex").slice(0, 8).toUpperCase();
  }
}

function shade(id: string): number {
  return createHash("sha256").update(id).digest()[0] ?? 0;
}

/** A baseline JPEG of one grey (ITU T.81): every block after the first repeats it, so that any size is small. */
function greyJpeg(size: number, grey: number): Buffer {
  const quantization = segment(0xdb, [0, ...Array<number>(64).fill(8)]);
  const frame = segment(0xc0, [8, size >> 8, size & 255, size >> 8, size & 255, 1, 1, 0x11, 0]);
  // Nine DC categories of four bits each, and one AC code of one bit: end of block.
  const direct = segment(0xc4, [0, 0, 0, 0, 9, ...Array<number>(12).fill(0), 0, 1, 2, 3, 4, 5, 6, 7, 8]);
  const alternating = segment(0xc4, [0x10, 1, ...Array<number>(15).fill(0), 0]);
  const scan = segment(0xda, [1, 1, 0, 0, 63, 0]);
  const level = grey - 128;
  const category = level === 0 ? 0 : Math.floor(Math.log2(Math.abs(level))) + 1;
  const amount = level >= 0 ? level : level + 2 ** category - 1;
  let bits = category.toString(2).padStart(4, "0");
  if (category > 0) bits += amount.toString(2).padStart(category, "0");
  bits += "0";
  bits += "00000".repeat(Math.ceil(size / 8) ** 2 - 1);
  const data: number[] = [];
  for (let at = 0; at < bits.length; at += 8) {
    const byte = Number.parseInt(bits.slice(at, at + 8).padEnd(8, "1"), 2);
    data.push(byte);
    if (byte === 0xff) data.push(0);
  }
  const start = Buffer.from([0xff, 0xd8]);
  return Buffer.concat([
    start,
    quantization,
    frame,
    direct,
    alternating,
    scan,
    Buffer.from(data),
    Buffer.from([0xff, 0xd9]),
  ]);
}

function segment(marker: number, content: readonly number[]): Buffer {
  const length = content.length + 2;
  return Buffer.from([0xff, marker, length >> 8, length & 255, ...content]);
}
