import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { saveAcoustic } from '../src/model/acoustic/file.js';
import { loadVoice } from '../src/model/voice/file.js';
import { root, run, runWarm, temporaryFolder } from './support/command_line.js';
import { tinyAcoustic, tinyVoice } from './support/speaking.js';

const folder = temporaryFolder({ after });
const acoustic = join(folder, 'acoustic.safetensors');
const parts = ['--acoustic', acoustic, '--voice', tinyVoice];
const text = 'Dr. Smith paid £25 in 1963 😀. "Really?" asked Ann.';
const at = (name: string) => join(folder, name);

before(async () => {
  await saveAcoustic(acoustic, tinyAcoustic(await loadVoice(join(root, tinyVoice))));
});

const speak = (...args: string[]) => runWarm('speak', ...args, ...parts);

/** With something on standard input. */
function piped(input: string | Buffer, ...args: string[]) {
  const script = join(root, 'dist', 'src', 'cli', 'speak.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args, ...parts], { cwd: root, input });
  return { status, stdout, stderr: stderr.toString() };
}

interface Word {
  written: string;
  spoken: string;
  start: number;
  end: number;
  place: [number, number];
  phones: { phone: string; start: number; end: number }[];
}

test('a text becomes a WAV, from wherever it comes; the same seed gives the same', () => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => at(`${name}.wav`));
  const { status, stdout, stderr } = run('speak', text, a, ...parts);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /a\.wav: \d+\.\d\d s of speech in .* real-time factor .* first sound after .* kernels \w+/);
  assert.match(stderr, /^note: .*😀/m);
  const wav = readFileSync(a);
  assert.equal(wav.toString('latin1', 0, 4), 'RIFF');
  assert.equal(wav.readUInt32LE(40), wav.length - 44);

  writeFileSync(at('in.txt'), text);
  assert.equal(speak('--file', at('in.txt'), b).status, 0);
  assert.deepEqual(readFileSync(b), wav);
  const { stdout: pcm } = piped(text, '-', '--stdout', 'pcm');
  assert.deepEqual(pcm, wav.subarray(44));
  const { stdout: stream, stderr: figures } = piped(`\ufeff${text}`, '-', '-', '--json');
  assert.deepEqual(stream.subarray(44), wav.subarray(44));
  assert.match(figures, /"type":"speech"/);
  writeFileSync(at('utf16.txt'), Buffer.from(`\ufeff${text}`, 'utf16le'));
  assert.equal(speak('--file', at('utf16.txt'), c).status, 0);
  assert.deepEqual(readFileSync(c), wav);
  assert.equal(speak(text, d, '--seed', '2').status, 0);
  assert.notDeepEqual(readFileSync(d), wav);
});

test('--json tells when each word and phone is spoken', () => {
  const { status, stdout, stderr } = speak(text, at('json.wav'), '--json', '--speed', '1.2');
  assert.equal(status, 0, stderr);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const sentences = lines.slice(0, -1);
  const figures = lines[lines.length - 1];
  assert.deepEqual(
    sentences.map(({ type, index, text: said }) => [type, index, said]),
    [
      ['sentence', 0, 'Dr. Smith paid £25 in 1963 😀.'],
      ['sentence', 1, '"Really?" asked Ann.'],
    ],
  );
  assert.equal(figures.type, 'speech');
  assert.deepEqual([figures.sentences, figures.speed, figures.seed], [2, 1.2, 1]);
  const { length } = readFileSync(at('json.wav'));
  assert.ok(Math.abs((figures.audioSeconds as number) - (length - 44) / 2 / 22050) < 1e-9);
  let time = 0;
  for (const sentence of sentences) {
    for (const { written, start, end, place, phones } of sentence.words as Word[]) {
      assert.equal(text.slice(...place), written);
      assert.ok(start >= time - 1e-9 && end > start);
      assert.equal(phones[0].start, start);
      time = end;
    }
    assert.ok((sentence.end as number) >= time - 1e-3);
  }
  assert.equal((sentences[0].notes as { note: string }[]).length, 1);
});

test('subtitles are SubRip or WebVTT by their name, whole or not at all', () => {
  const [srt, vtt] = [at('out.srt'), at('out.vtt')];
  assert.equal(speak(text, at('sub.wav'), '--subtitles', srt).status, 0);
  const times = String.raw`(\d\d:\d\d:\d\d),(\d{3}) --> (\d\d:\d\d:\d\d),(\d{3})`;
  assert.match(
    readFileSync(srt, 'utf8'),
    new RegExp(`^1\n${times}\nDr\\. Smith paid £25 in 1963 😀\\.\n\n2\n${times}\n"Really\\?" asked Ann\\.\n\n$`),
  );
  const { status, stdout, stderr } = speak(text, at('sub.wav'), '--subtitles', vtt, '--stdout', 'pcm');
  assert.equal(status, 0, stderr);
  assert.ok(stdout.length > 0);
  assert.match(readFileSync(vtt, 'utf8'), /^WEBVTT\n\n00:00:00\.\d{3} --> [^\n]+\nDr\. Smith/);
  // Again: subtitles may be replaced, other files not.
  assert.equal(speak(text, at('sub.wav'), '--subtitles', srt).status, 0);
  writeFileSync(at('novel.srt'), 'Once upon a time');
  assert.match(speak(text, at('sub.wav'), '--subtitles', at('novel.srt')).stderr, /^error ERR_FILE_EXISTS: /m);
  assert.equal(speak('😀', at('none.wav'), '--subtitles', at('none.srt')).status, 2);
  assert.ok(!existsSync(at('none.srt')) && !existsSync(at('none.wav')));
  const only = speak('Hello.', '--subtitles', '-');
  assert.match(only.stdout, /^1\n00:00:00,\d{3} --> 00:00:0\d,\d{3}\nHello\.\n\n$/);
});

test('--show prints what each word became, alone or beside the speech', () => {
  const alone = runWarm('speak', 'I paid £25.', '--show', '--acoustic', acoustic);
  assert.equal(alone.status, 0, alone.stderr);
  assert.match(alone.stdout, /£25 +twenty +T W EH1 N T IY0 +dictionary: money\n/);
  writeFileSync(at('own.txt'), 'paid B AY1\n');
  const beside = speak('I paid £25.', at('show.wav'), '--show', '--lexicon', at('own.txt'));
  assert.match(beside.stdout, /paid +paid +B AY1 +own\n[^]*show\.wav: .* s of speech/);
  assert.ok(existsSync(at('show.wav')));
});

test('a folder of texts becomes a folder of speech, each as it sounds alone', () => {
  const [inputs, out] = [at('texts'), at('spoken')];
  mkdirSync(inputs);
  const texts: Record<string, string> = { one: 'One is here.', two: text, three: 'Three? Yes! And three.' };
  for (const [name, content] of Object.entries(texts)) writeFileSync(join(inputs, `${name}.txt`), content);
  const { status, stdout, stderr } = speak(inputs, out, '--json', '--threads', '2');
  assert.equal(status, 0, stderr);
  assert.deepEqual(readdirSync(out), ['one.wav', 'three.wav', 'two.wav']);
  assert.equal((JSON.parse(stdout) as { files: unknown[] }).files.length, 3);
  assert.equal(speak(text, at('two.wav')).status, 0);
  assert.deepEqual(readFileSync(join(out, 'two.wav')), readFileSync(at('two.wav')));

  writeFileSync(join(inputs, 'latin1.txt'), Buffer.from('caf\xe9 au lait', 'latin1'));
  writeFileSync(join(inputs, 'empty.txt'), '\n');
  const mixed = speak(inputs, at('mixed'));
  assert.equal(mixed.status, 2);
  assert.match(mixed.stderr, /^error ERR_TEXT: .*latin1\.txt is no text in UTF-8/m);
  assert.match(mixed.stderr, /^error ERR_TEXT: there is nothing to speak in .*empty\.txt/m);
  assert.match(mixed.stdout, /3 of 5 files: /);
  assert.deepEqual(readdirSync(at('mixed')), ['one.wav', 'three.wav', 'two.wav']);
});

test('what cannot be spoken is refused by code, and leaves no file', () => {
  const out = at('never.wav');
  mkdirSync(at('bare'));
  writeFileSync(at('torn.safetensors'), readFileSync(acoustic).subarray(0, 3000));
  const cases: [RegExp, string[]][] = [
    [/error ERR_TEXT: there is nothing to speak in the text: it is empty/, ['', out]],
    [/error ERR_TEXT: there is nothing to speak in the text: .*你/, ['你好', out]],
    [/error ERR_FILE_NOT_FOUND: .*nowhere\.txt/, ['--file', at('nowhere.txt'), out]],
    [/error ERR_FILE_READ: .*bare.* it is a folder/, ['--file', at('bare'), out]],
    [/error ERR_FILE_NOT_FOUND: nothing to speak in .*bare/, [at('bare'), at('o')]],
    [/error ERR_ARGUMENT: no text/, []],
    [/error ERR_ARGUMENT: a text and --file/, ['Hello', out, '--file', at('in.txt')]],
    [/error ERR_ARGUMENT: nowhere to put the speech/, ['Hello']],
    [
      /error ERR_ARGUMENT: .*--speed.*'11' is invalid. expected a number from 0.1 to 10/,
      ['Hello', out, '--speed', '11'],
    ],
    [/error ERR_ARGUMENT: .*--pitch.*'-1'/, ['Hello', out, '--pitch=-1']],
    [
      /error ERR_ARGUMENT: the speech and the subtitles .*two files/,
      ['Hello', out, '--subtitles', `${folder}/./never.wav`],
    ],
    [/error ERR_ARGUMENT: .*standard output/, ['Hello', '-', '--subtitles', '-']],
    [/error ERR_ARGUMENT: .*standard output/, ['Hello', '--stdout', '--subtitles', '-']],
    [/error ERR_FILE_WRITE: /, ['Hello', join(folder, 'missing', 'out.wav')]],
    [/error ERR_LEXICON: .*line 1/, ['Hello', out, '--lexicon', at('in.txt')]],
    [/error ERR_ARGUMENT: the tokens of .*in\.txt are for an ONNX model/, ['Hello', out, '--tokens', at('in.txt')]],
    [/error ERR_FILE_IS_INPUT: /, ['Hello', acoustic, '--force']],
  ];
  for (const [expected, args] of cases) {
    const { status, stderr } = speak(...args);
    assert.match(stderr, expected);
    assert.equal(status, 2, stderr);
    assert.ok(!/\n\s+at /.test(stderr), 'a stack was printed');
  }
  for (const [expected, model, voice] of [
    [/error ERR_VOICE_CORRUPT: .*torn/, at('torn.safetensors'), tinyVoice],
    [/error ERR_FILE_NOT_FOUND: no acoustic model at .*no\.safetensors/, at('no.safetensors'), tinyVoice],
    [/error ERR_VOICE_UNKNOWN: no acoustic model is called nobody/, 'nobody', tinyVoice],
    [/error ERR_VOICE_CORRUPT: .*version-1/, tinyVoice, tinyVoice],
    [/error ERR_VOICE_UNKNOWN: no voice is called nobody/, acoustic, 'nobody'],
  ] as const)
    assert.match(runWarm('speak', 'Hello', out, '--acoustic', model, '--voice', voice).stderr, expected);
  assert.ok(!existsSync(out));
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('the reader that ships speaks where none is named', () => {
  const out = at('shipped.wav');
  const { status, stdout, stderr } = runWarm('speak', 'The quick brown fox jumped over the lazy dog.', out, '--json');
  assert.equal(status, 0, stderr);
  const [sentence, speech] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { words?: object[]; acoustic?: string; voice?: string; audioSeconds?: number });
  assert.deepEqual([speech.acoustic, speech.voice, sentence.words?.length], ['kathleen', 'kathleen', 9]);
  // Nine words at 100 to 270 a minute.
  const seconds = speech.audioSeconds!;
  assert.ok(seconds > 2 && seconds < 5.4, `${seconds} s`);
});
