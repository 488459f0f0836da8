import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { markedProcesses } from '../../src/build/leftovers.ts';
import { type MavenBuild, mavenBuild } from '../../src/build/maven.ts';
import { AppError, BuildError } from '../../src/core/errors.ts';
import { makeZip } from './zip.ts';

const good = 'package demo;\npublic class Tiny {\n  public static void main(String[] args) { System.out.println("hi"); }\n}\n';
const pom = (inside = '') => `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>demo</groupId><artifactId>tiny</artifactId><version>1.0</version>
  <properties>
    <maven.compiler.release>11</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>${inside}
  <build><plugins>
    <plugin><artifactId>maven-resources-plugin</artifactId><version>3.3.1</version></plugin>
    <plugin><artifactId>maven-compiler-plugin</artifactId><version>3.13.0</version></plugin>
    <plugin><artifactId>maven-surefire-plugin</artifactId><version>3.2.5</version><configuration><skip>true</skip></configuration></plugin>
    <plugin><artifactId>maven-jar-plugin</artifactId><version>3.4.1</version>
      <configuration><archive><manifest><mainClass>demo.Tiny</mainClass></manifest></archive></configuration></plugin>
  </plugins></build>
</project>
`;

let scratch: string;
let count = 0;
before(() => {
  scratch = mkdtempSync(join(tmpdir(), 'maven-test-'));
});
after(() => rmSync(scratch, { recursive: true, force: true }));

function project(files: Record<string, string>): string {
  const dir = join(scratch, `project-${++count}`);
  mkdirSync(dir);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), content, { mode: name === 'mvn' ? 0o755 : 0o644 });
  }
  return dir;
}
function build(dir: string, more: Partial<MavenBuild> = {}) {
  return mavenBuild({ dir, logFile: join(dir, 'build.log'), timeoutMs: 240_000, ...more });
}
/** A program in the place of Maven, to make happen what real builds seldom do. */
function fakeMaven(script: string, more: Partial<MavenBuild> = {}) {
  const dir = project({ mvn: `#!/bin/sh\n${script}\n` });
  return {
    dir,
    work: build(dir, { mavenCommand: join(dir, 'mvn'), buildId: `test-${process.pid}-${count}`, ...more }),
    buildId: `test-${process.pid}-${count}`,
  };
}
async function failure(work: Promise<unknown>): Promise<AppError> {
  return work.then(
    () => assert.fail('it should have failed'),
    (error: unknown) => {
      assert.ok(error instanceof AppError, String(error));
      return error;
    },
  );
}

describe('real Maven', () => {
  it('builds a project, tells its lines, and finds the jar with its main class', async () => {
    const dir = project({ 'pom.xml': pom(), 'src/main/java/demo/Tiny.java': good });
    const lines: string[] = [];
    const got = await build(dir, { args: ['-Dunused=a b; touch x'], onLine: (line) => lines.push(line) });
    assert.deepEqual(
      got.jars.map((jar) => [jar.path, jar.size === statSync(jar.path).size, jar.mainClass]),
      [[join(dir, 'target/tiny-1.0.jar'), true, 'demo.Tiny']],
    );
    assert.ok(got.durationMs > 0);
    assert.ok(lines.includes('[INFO] BUILD SUCCESS'));
    assert.match(readFileSync(join(dir, 'build.log'), 'utf8'), /Building jar: .*tiny-1\.0\.jar/);
  });

  it('names file, line and reason of the first compile error', async () => {
    const bad = 'package demo;\npublic class Tiny {\n  Foo x;\n  int y = "s";\n}\n';
    const error = await failure(build(project({ 'pom.xml': pom(), 'src/main/java/demo/Tiny.java': bad })));
    assert.ok(error instanceof BuildError);
    assert.equal(
      error.message,
      'The project does not compile: src/main/java/demo/Tiny.java:3: cannot find symbol class Foo (and 1 more error).',
    );
    assert.equal(error.details['kind'], 'compile');
    assert.match(String(error.details['logTail']), /COMPILATION ERROR/);
  });

  it('says what is wrong in pom.xml, or that there is none', async () => {
    const broken = await failure(build(project({ 'pom.xml': pom().replace('</build>', '') })));
    assert.match(broken.message, /^pom\.xml is wrong in line 15: end tag name <\/project> must match start tag name <build>/);
    const incomplete = pom('<dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId></dependency></dependencies>');
    assert.match(
      (await failure(build(project({ 'pom.xml': incomplete })))).message,
      /^pom\.xml is wrong in line \d+: 'dependencies\.dependency\.version' for a:b:jar is missing\.$/,
    );
    assert.match((await failure(build(project({ 'README.md': 'x' })))).message, /no pom\.xml at the top/);
  });

  it('names the dependency that cannot be found', async () => {
    const missing =
      '<dependencies><dependency><groupId>no.such</groupId><artifactId>thing</artifactId><version>9</version></dependency></dependencies>';
    const error = await failure(build(project({ 'pom.xml': pom(missing) })));
    assert.match(error.message, /dependency cannot be found: no\.such:thing:jar:9\.$/);
  });

  it('leaves no java behind when the build is cancelled', async () => {
    const dir = project({ 'pom.xml': pom(), 'src/main/java/demo/Tiny.java': good });
    const abort = new AbortController();
    const buildId = `test-cancel-${process.pid}`;
    const reason = new Error('cancelled by ana');
    let seen = 0;
    const work = build(dir, { signal: abort.signal, buildId, onLine: () => void (seen++ === 0 && abort.abort(reason)) });
    await assert.rejects(work, (error) => error === reason);
    assert.ok(seen > 0, 'Maven was at work');
    assert.deepEqual(await markedProcesses(buildId), []);
  });
});

describe('builds that go wrong', () => {
  it('ends a build at its time limit, and one that prints nothing, with everything it started', async () => {
    const late = fakeMaven('while :; do echo "[INFO] working"; sleep 0.05; done', { timeoutMs: 400 });
    assert.match((await failure(late.work)).message, /ended after 400 ms, its time limit/);
    const silent = fakeMaven('echo "[INFO] begins"; setsid sleep 300 & sleep 300', { noOutputTimeoutMs: 300 });
    const error = await failure(silent.work);
    assert.match(error.message, /printed nothing for 300 ms/);
    assert.match(String(error.details['logTail']), /begins/);
    for (const { buildId } of [late, silent]) assert.deepEqual(await markedProcesses(buildId), []);
  });

  it('takes the jar of a build that succeeded though a daemon of it holds the output open, and ends the daemon', async () => {
    const script = 'mkdir target; cp "$JAR" target/a.jar; setsid sleep 300 & echo "[INFO] BUILD SUCCESS"';
    const jar = join(scratch, 'a.jar');
    writeFileSync(jar, makeZip([{ name: 'META-INF/MANIFEST.MF', data: 'Main-Class: demo.Tiny\n' }]));
    const { work, buildId } = fakeMaven(script, { noOutputTimeoutMs: 500, env: { JAR: jar } });
    assert.equal((await work).jars[0]?.mainClass, 'demo.Tiny');
    assert.deepEqual(await markedProcesses(buildId), []);
  });

  it('ends what a failed build left running in a session of its own', async () => {
    const { work, buildId } = fakeMaven('setsid sleep 300 >/dev/null 2>&1 & echo "[ERROR] broken"; exit 1');
    assert.match((await failure(work)).message, /Maven failed: broken/);
    assert.deepEqual(await markedProcesses(buildId), []);
  });

  it('ends a build that ignores the polite signal', async () => {
    const { work, buildId } = fakeMaven("trap '' TERM INT; echo x; while :; do sleep 0.2; done", { noOutputTimeoutMs: 200 });
    assert.match((await failure(work)).message, /printed nothing/);
    assert.deepEqual(await markedProcesses(buildId), []);
  });

  it('tells memory, tests, Java and a damaged cache apart', async () => {
    const table: [string, RegExp, string][] = [
      ['kill -9 $$', /was killed from outside/, 'killed'],
      ['exit 137', /was killed from outside/, 'killed'],
      ['echo "[ERROR] Java heap space -> java.lang.OutOfMemoryError"; exit 1', /ran out of memory/, 'out-of-memory'],
      [
        'echo "[ERROR] Failed to execute goal x:maven-surefire-plugin:3.2.5:test: There are test failures."; exit 1',
        /Tests of the project failed/,
        'tests',
      ],
      [
        'echo "[ERROR] Fatal error compiling: error: release version 99 not supported -> [Help 1]"; exit 1',
        /asks for Java 99/,
        'java-version',
      ],
      [
        'echo "[ERROR] error reading /m2/a.jar; zip END header not found"; exit 1',
        /Maven repository of Sluice is damaged/,
        'corrupt-cache',
      ],
      ['echo "[ERROR] Could not find the selected project in the reactor: jobs/x @ "; exit 1', /has no module jobs\/x/, 'no-module'],
      ['echo "The JAVA_HOME environment variable is not defined correctly" >&2; exit 1', /finds no Java compiler/, 'no-java'],
      ['echo "[ERROR] java.io.IOException: No space left on device"; exit 1', /disk of Sluice is full/, 'disk-full'],
      [
        'echo "[ERROR] Failed to execute goal a:b:1:c (d) on project e: Nobody knows -> [Help 1]"; exit 1',
        /^Maven failed: Failed to execute goal a:b:1:c .* Nobody knows\.$/,
        'other',
      ],
      [
        'echo "[ERROR] Could not resolve dependencies: Failure to find a:b:jar:1 in https://repo was cached in the local repository -> [Help 1]"; exit 1',
        /dependency cannot be found: a:b:jar:1\.$/,
        'dependency',
      ],
      [
        'echo "[ERROR] Could not resolve dependencies: a:b:jar:2 was not found in https://repo during a previous attempt. This failure was cached -> [Help 1]"; exit 1',
        /dependency cannot be found: a:b:jar:2\.$/,
        'dependency',
      ],
      [
        'echo "[ERROR] Could not resolve dependencies: Could not transfer artifact a:b:pom:1 from/to central (https://repo): refused -> [Help 1]"; exit 1',
        /dependency cannot be found: a:b:pom:1\.$/,
        'dependency',
      ],
      ['exit 3', /exit code 3/, 'other'],
    ];
    for (const [script, message, kind] of table) {
      const error = await failure(fakeMaven(script).work);
      assert.match(error.message, message);
      assert.equal(error.details['kind'], kind, script);
      assert.ok((error.hint ?? '').length > 10, script);
    }
  });

  it('keeps the log within its limit, and its end', async () => {
    const { dir, work } = fakeMaven(
      'i=0; while [ $i -lt 20000 ]; do echo "line $i ............................................"; i=$((i+1)); done; exit 1',
      { maxLogBytes: 10_000 },
    );
    const error = await failure(work);
    assert.match(String(error.details['logTail']), /line 19999/);
    const log = readFileSync(join(dir, 'build.log'), 'utf8');
    assert.ok(log.length < 30_000, `${log.length} bytes`);
    assert.match(log, /^line 0 /);
    assert.match(log, /… \d+ lines .* beyond the limit of this log/);
    assert.match(log, /line 19999 \.+\n$/);
  });

  it('removes secrets from log, lines and errors', async () => {
    const lines: string[] = [];
    const { dir, work } = fakeMaven('echo "[ERROR] sent $REPO_PW to the server"; exit 1', {
      env: { REPO_PW: 'canary 77' },
      secrets: ['canary 77'],
      onLine: (line) => lines.push(line),
    });
    const error = await failure(work);
    assert.doesNotMatch(JSON.stringify([error.message, error.details, lines]) + readFileSync(join(dir, 'build.log'), 'utf8'), /canary/);
    assert.match(error.message, /sent \*\*\* to the server/);
  });

  it('says that Maven is missing', async () => {
    const error = await failure(build(project({}), { mavenCommand: 'no-such-mvn' }));
    assert.match(error.message, /no-such-mvn cannot be started/);
    assert.match(error.hint ?? '', /Install/);
  });

  it('refuses a module that is not there or lies outside, before Maven runs', async () => {
    const dir = project({ 'pom.xml': pom() });
    symlinkSync('/', join(dir, 'out'));
    for (const module of ['jobs', 'out/etc', 'pom.xml']) assert.match((await failure(build(dir, { module }))).message, /has no folder/);
    assert.match((await failure(build(dir, { module: '../x' }))).message, /not the path of a module/);
  });
});
