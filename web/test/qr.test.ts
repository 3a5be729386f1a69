// QR codes as a camera reads them: decoded by a reader that is not the writer's.
import jsqr from "jsqr";
import { expect, it } from "vitest";
import { pairingUrl } from "../src/compute/snippets";
import { qrPath } from "../src/view/qr";

const PIXELS = 4;

/** The code as a picture, by the rectangles of its path. */
function picture({ path, size }: ReturnType<typeof qrPath>): { data: Uint8ClampedArray; width: number } {
  const width = size * PIXELS,
    data = new Uint8ClampedArray(width * width * 4).fill(255);
  const squares = path.match(/M\d+ \d+h1v1h-1z/g) ?? [];
  expect(squares.join(""), "it is made of squares alone").toBe(path);
  for (const square of squares) {
    const [x = 0, y = 0] = square.match(/\d+/g)!.map(Number);
    for (let row = y * PIXELS; row < (y + 1) * PIXELS; row++)
      for (let column = x * PIXELS; column < (x + 1) * PIXELS; column++)
        data.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3);
  }
  return { data, width };
}

it.each([
  pairingUrl({ host: "127.0.0.1", port: 1883, tls: false }),
  pairingUrl({
    host: "2001:db8::7",
    port: 8883,
    tls: true,
    authority: { url: "https://[2001:db8::7]:8443/assets/ca.pem", sha256: Array.from({ length: 32 }, () => "AB").join(":") },
  }),
  `mqtt://${"a-very-long-name.".repeat(14)}example:1883`,
])("%s is read from its code", text => {
  const { data, width } = picture(qrPath(text));
  expect(jsqr(data, width, width)?.data).toBe(text);
});
