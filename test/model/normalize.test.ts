import { describe, expect, it } from 'vitest';
import { normalizePersonName, normalizePhone, normalizeText } from '../../src/model/normalize.js';

describe('normalizeText', () => {
  it.each([
    ['  Ünïted \n KINGDOM ', 'united kingdom'],
    ['ＡＢＣ１', 'abc1'],
    ['Straße', 'strasse'],
    ['İstanbul', 'istanbul'],
    ['zero\u200bwidth\ufeff', 'zerowidth'],
    ['が', 'が'],
    ['', ''],
  ])('reads %j as %j', (text, plain) => {
    expect(normalizeText(text)).toBe(plain);
  });
});

describe('normalizePersonName', () => {
  it.each([
    ['Dr. Jane  DOE', 'jane doe'],
    ['Doe, Jane', 'jane doe'],
    ['Prof. Dr. Müller-Lüdenscheidt, Anna', 'anna prof dr muller ludenscheidt'],
    ["Conan O'Brien", 'conan obrien'],
    ['John Smith, Jr.', 'john smith jr'],
    ['John Smith, PhD', 'john smith'],
    ['J. R. R. Tolkien', 'jrr tolkien'],
    ['J R R Tolkien', 'jrr tolkien'],
    ['John F. Kennedy', 'john f kennedy'],
    ['J.R.R. Tolkien', 'jrr tolkien'],
    ['Dr.', 'dr'],
    ['', ''],
  ])('reads %j as %j', (name, plain) => {
    expect(normalizePersonName(name)).toBe(plain);
  });
});

describe('normalizePhone', () => {
  it.each([
    ['+49 30 123456', '4930123456'],
    ['0049 (30) 123-456', '4930123456'],
    ['+49 (0)30 123456', '4930123456'],
    ['tel:+1-555-010-9999', '15550109999'],
    ['1.555.010.9999 ext. 12', '15550109999'],
    ['(555) 010-9999 x3', '5550109999'],
    ['030 123456', '030123456'],
    ['1234', null],
    ['1-800-FLOWERS', null],
    ['none', null],
    ['1'.repeat(30), null],
  ])('reads %j as %j', (text, digits) => {
    expect(normalizePhone(text)).toBe(digits);
  });
});
