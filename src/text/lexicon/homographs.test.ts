import assert from 'node:assert/strict';
import test from 'node:test';
import { loadDictionary, lookUp } from './dictionary.js';
import { chooseReading, homographs } from './homographs.js';

/** The word in question stands in brackets; then some phones that only its reading has. */
const sentences = `
I will [read] it tomorrow.|R IY1 D
I have already [read] it.|R EH1 D
She [read] the letter aloud.|R EH1 D
They [read] books every day.|R IY1 D
I [read] it last night.|R EH1 D
The book was [read] by many.|R EH1 D
It is a good [read] for all.|R IY1 D
[Read] this now.|R IY1 D
They will [lead] the way.|L IY1 D
The [lead] pipe burst.|L EH1 D
It was made of [lead] and glass.|L EH1 D
She took the [lead] early.|L IY1 D
I [live] in town.|L IH1 V
They want to [live] well.|L IH1 V
A [live] broadcast began.|L AY1 V
The show was broadcast [live] today.|L AY1 V
She [lives] in town.|L IH1 V Z
It saved their [lives] that day.|L AY1 V Z
They [use] it daily.|Y UW1 Z
It is of no [use] to me.|Y UW1 S
You can [use] mine.|Y UW1 Z
The [use] of force is banned.|Y UW1 S
I [used] to swim.|Y UW1 S T
It was [used] for cutting.|Y UW1 Z D
She broke the [record] again.|R EH1 K ER0 D
Please [record] the song.|R IH0 K AO1 R D
He [records] his songs at home.|R IH0 K AO1 R D Z
The [records] were lost.|R EH1 K ER0 D Z
Please [close] the door.|K L OW1 Z
They are very [close] friends.|K L OW1 S
It was a [close] call.|K L OW1 S
He stood [close] to me.|K L OW1 S
Let me [present] my plan.|P R IY0 Z EH1 N T
At the [present] time it holds.|P R EH1 Z AH0 N T
It was a birthday [present] for him.|P R EH1 Z AH0 N T
I [object] to that.|AH0 B JH EH1 K T
The [object] fell down.|AA1 B JH EH0 K T
Wait a [minute] please.|M IH1 N AH0 T
It had very [minute] parts.|M AY0 N UW1 T
The [wind] blew hard.|W IH1 N D
You must [wind] the clock.|W AY1 N D
They [wind] up the toy.|W AY1 N D
Do not [tear] the page.|T EH1 R
A [tear] ran down her cheek.|T IH1 R
Her [tears] fell.|T IH1 R Z
He had a [bow] and arrows.|B OW1
They [bow] to the king.|B AW1
The [bow] of the ship rose.|B AW1
She was [content] with it.|K AH0 N T EH1 N T
The [content] of the box.|K AA1 N T EH0 N T
They cross the [desert] by night.|D EH1 Z ER0 T
He would never [desert] his friends.|D IH0 Z ER1 T
That is no [excuse] at all.|IH0 K S K Y UW1 S
Please [excuse] me.|IH0 K S K Y UW1 Z
The [house] is red.|HH AW1 S
The barn can [house] ten cows.|HH AW1 Z
You need a [permit] to fish.|P ER1 M IH2 T
They will not [permit] it.|P ER0 M IH1 T
The farm will [produce] milk.|P R AH0 D UW1 S
We buy the [produce] of the farm.|P R OW1 D UW0 S
The [project] failed.|P R AA1 JH EH0 K T
They [project] a loss.|P R AH0 JH EH1 K T
The [rebel] army fled.|R EH1 B AH0 L
They may [rebel] again.|R IH0 B EH1 L
I [refuse] to go.|R IH0 F Y UW1 Z
The [refuse] was burned.|R EH1 F Y UW2 Z
They have [separate] rooms.|S EH1 P ER0 IH0 T
You should [separate] the eggs.|S EH1 P ER0 EY2 T
The [subject] was dull.|S AH1 B JH IH0 K T
They will [subject] him to tests.|S AH0 B JH EH1 K T
The [wound] healed.|W UW1 N D
She [wound] up the clock.|W AW1 N D
He [does] it well.|D AH1 Z
The bucks and the [does] were grazing.|D OW1 Z
The [dove] sat there.|D AH1 V
He [dove] into the pool.|D OW1 V
The [Polish] army came.|P OW1 L IH0 SH
I [polish] my shoes.|P AA1 L IH0 SH
They plant and [sow] seeds.|S OW1
The old [sow] slept.|S AW1
He went [bass] fishing there.|B AE1 S
She plays the [bass] well.|B EY1 S
Send me your [resume] today.|R EH1 Z AH0 M EY2
The talks will [resume] soon.|R IH0 Z UW1 M
The [estimate] was high.|EH1 S T AH0 M AH0 T
I would [estimate] it.|EH1 S T AH0 M EY2 T
The [increase] was small.|IH1 N K R IY2 S
Prices will [increase] soon.|IH2 N K R IY1 S
They may [conduct] a test.|K AH0 N D AH1 K T
His [conduct] was bad.|K AA1 N D AH0 K T
A sudden [conflict] began.|K AA1 N F L IH0 K T
Nobody is [perfect] here.|P ER1 F IH2 K T
We must [perfect] the plan.|P ER0 F EH1 K T
None had a serious [record] of crime.|R EH1 K ER0 D
The riotous [conduct] of the men.|K AA1 N D AH0 K T
The sessions [house] by the river.|HH AW1 S
The cases [subject] to review.|S AH1 B JH IH0 K T
The rifle [used] to kill him.|Y UW1 Z D
He [used] to live there.|Y UW1 S T
They are [used] to the noise.|Y UW1 S T
A [bow] street officer came.|B OW1
The insects which [live] in water.|L IH1 V
If it is [present] the test fails.|P R EH1 Z AH0 N T
Those opposed to [progress] left.|P R AA1 G R EH2 S
A [minute] search began.|M AY0 N UW1 T
`;

test('homographs are told apart by their neighbours', () => {
  const wrong: string[] = [];
  const lines = sentences.trim().split('\n');
  for (const line of lines) {
    const [sentence, expected] = line.split('|');
    const raw = sentence.replaceAll(/[.,]/g, '').split(' ');
    const at = raw.findIndex((word) => word.startsWith('['));
    const words = raw.map((word) => word.replaceAll(/[[\]]/g, ''));
    const choice = chooseReading({ words: words.map((word) => word.toLowerCase()), at, written: words[at] });
    if (choice?.phones.join(' ') !== expected) wrong.push(`${line}: ${choice?.phones.join(' ')}`);
  }
  assert.deepEqual(wrong, []);
});

test('every homograph is a word of the dictionary, and its readings are made of phones', async () => {
  const dictionary = await loadDictionary();
  for (const word of homographs()) {
    const stem = word.replace(/(?<=ss)es$|s$/, '');
    assert.ok(lookUp(dictionary, word).length > 0 || lookUp(dictionary, stem).length > 0, word);
    const choice = chooseReading({ words: [word], at: 0, written: word });
    assert.ok(choice && choice.phones.length > 1);
  }
  assert.equal(chooseReading({ words: ['table'], at: 0, written: 'table' }), undefined);
  assert.equal(chooseReading({ words: ['constructor'], at: 0, written: 'constructor' }), undefined);
});
