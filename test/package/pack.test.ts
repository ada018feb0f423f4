// The package as a stranger gets it: packed, installed in an empty folder without a compiler, run with the
// prebuilt addon and without it.
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const OBJECT = join(ROOT, "examples/xdp_firewall.o");
const CAPTURE = join(ROOT, "examples/demo.pcap");

const scratch = mkdtempSync(join(tmpdir(), "softirq-pack-"));
const app = join(scratch, "app");
const bin = join(app, "node_modules/.bin/softirq");

// A PATH with Node and nothing that could compile.
const tools = join(scratch, "bin");
const env = { ...process.env, PATH: tools, CC: "/nonexistent", CXX: "/nonexistent" };

function npm(args: string[], cwd: string): string {
  const cli = process.env["npm_execpath"] ?? execFileSync("which", ["npm"], { encoding: "utf8" }).trim();
  const run = cli.endsWith("js") ? [process.execPath, cli] : [cli];
  return execFileSync(run[0] ?? "", [...run.slice(1), ...args], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

beforeAll(() => {
  execFileSync(process.execPath, [join(ROOT, "native/prebuild.mjs")], { cwd: ROOT });
  npm(["pack", "--ignore-scripts", "--pack-destination", scratch], ROOT);
  const tarball = readdirSync(scratch).find((f) => f.endsWith(".tgz")) ?? "";
  mkdirSync(app);
  mkdirSync(tools);
  cpSync(process.execPath, join(tools, "node"));
  writeFileSync(join(app, "package.json"), '{"name":"app","private":true,"type":"module"}');
  npm(
    ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", join(scratch, tarball)],
    app,
  );
}, 300_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function softirq(args: string[], extra: Record<string, string> = {}) {
  return spawnSync(bin, args, {
    cwd: app,
    env: { ...env, ...extra, XDG_CACHE_HOME: join(scratch, "cache") },
    encoding: "utf8",
  });
}

describe("the packed package", () => {
  const installed = join(app, "node_modules/softirq");

  it("brings the prebuilt addon and no install script", () => {
    const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    expect(["preinstall", "install", "postinstall", "prepare"].filter((s) => s in manifest.scripts)).toEqual(
      [],
    );
    expect(existsSync(join(installed, "prebuilds/linux-x64/softirq.node"))).toBe(
      process.platform === "linux" && process.arch === "x64",
    );
    expect(existsSync(join(installed, "binding.gyp"))).toBe(false);
  });

  it.each([
    ["with the addon", {}],
    ["without the addon", { SOFTIRQ_ADDON: "off" }],
  ])("runs a capture %s", (_, extra) => {
    const run = softirq(["run", OBJECT, CAPTURE, "--prog", "firewall", "--init", "setup", "--json"], extra);
    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
    const result = JSON.parse(run.stdout) as { packets: number; verdicts: Record<string, number> };
    expect(result.packets).toBeGreaterThan(1000);
    expect(result.verdicts["XDP_DROP"]).toBeGreaterThan(0);
  });

  it("says in one line what needs the addon", () => {
    const run = softirq(["run", OBJECT, CAPTURE, "--prog", "firewall", "--engine", "kernel"], {
      SOFTIRQ_ADDON: "off",
    });
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/^softirq: .*no native addon: switched off by SOFTIRQ_ADDON=off\n$/);
  });

  it("says where it broke: in the bundle by name, with source maps in the sources", () => {
    const trace = (extra: Record<string, string>) => softirq(["list", "missing.o", "--debug"], extra).stderr;
    expect(trace({})).toMatch(
      /^softirq: BpfError: open missing\.o.*\n {4}at readBounded \(.*\.js:\d+:\d+\)\n/,
    );
    expect(trace({ NODE_OPTIONS: "--enable-source-maps" })).toContain("runtime/load/read_bounded.ts:");
  });

  it("is loaded from few files", () => {
    const files = readdirSync(join(installed, "dist"), { recursive: true, encoding: "utf8" });
    expect(files.filter((f) => f.endsWith(".js")).length).toBeLessThan(60);
  });

  it("has every module that benchmarks and examples import", () => {
    const scripts = ["bench", "examples"].flatMap((dir) =>
      readdirSync(join(ROOT, dir))
        .filter((name) => name.endsWith(".mjs"))
        .map((name) => readFileSync(join(ROOT, dir, name), "utf8")),
    );
    const imported = scripts.flatMap((text) =>
      [...text.matchAll(/"\.\.\/(dist\/[^"]+\.js)"/g)].map((m) => m[1] ?? ""),
    );
    expect(imported).toContain("dist/runtime/index.js");
    expect(imported.filter((path) => !existsSync(join(installed, path)))).toEqual([]);
  });

  it("is imported by its name, with types", () => {
    writeFileSync(
      join(app, "use.mjs"),
      `import { openObject } from "softirq"; console.log(openObject(${JSON.stringify(OBJECT)}).spec.progs.length);`,
    );
    const run = spawnSync(process.execPath, ["use.mjs"], { cwd: app, encoding: "utf8" });
    expect(run.stdout).toBe("2\n");
    expect(existsSync(join(installed, "dist/runtime/index.d.ts"))).toBe(true);
  });
});
