import type { Level, ViewFilter } from '../api.js';
import type { Session } from './session.js';
import { facets, filter, toggleWord } from './state.js';
import { Share } from './top-bar.js';
import {
  formatCount,
  LEVEL_ORDER,
  LEVEL_WORDS,
  STATUS_ORDER,
  STATUS_WORDS,
  VERDICT_ORDER,
  VERDICT_WORDS,
} from './words.js';

const ALWAYS: readonly Level[] = ['high', 'medium', 'low', 'none'];

function narrow(change: Partial<ViewFilter>): void {
  filter.value = { ...filter.value, ...change };
}

/** Search and facets. Each count says how many rows or cells a click would show. */
export function Rail({ session }: { readonly session: Session }) {
  const { meta } = session;
  const { status, levels, verdicts, field, hosts, reasons, search } = filter.value;
  const counted = facets.value;
  return (
    <aside class="rail" aria-label="Filters">
      <div class="search">
        <input
          id="search"
          type="search"
          placeholder="Search rows"
          aria-label="Search rows"
          value={search}
          onInput={(event) => narrow({ search: event.currentTarget.value })}
        />
      </div>
      {counted !== null && (
        <>
          <Group title="Status">
            {STATUS_ORDER.map((each) => {
              const at = meta.statuses.indexOf(each);
              return (
                <Facet
                  key={each}
                  name={STATUS_WORDS[each]}
                  icon={<span class={`dot s-${each}`} aria-hidden="true" />}
                  count={counted.status[at] ?? 0}
                  most={Math.max(...counted.status)}
                  color={`s-${each}`}
                  isOn={status.includes(each)}
                  isKept={each !== 'skipped' && each !== 'over_budget'}
                  onClick={() => narrow({ status: toggleWord(status, each) })}
                />
              );
            })}
          </Group>
          <Group title="Confidence" about={field === null ? 'of any field' : `of ${field}`}>
            {LEVEL_ORDER.map((each) => (
              <Facet
                key={each}
                name={LEVEL_WORDS[each]}
                icon={<Bars level={each} />}
                count={counted.levels[meta.levels.indexOf(each)] ?? 0}
                most={Math.max(...counted.levels)}
                color="is-neutral"
                isOn={levels.includes(each)}
                isKept={ALWAYS.includes(each)}
                onClick={() => narrow({ levels: toggleWord(levels, each) })}
              />
            ))}
          </Group>
          {counted.verdicts.some((count) => count > 0) && (
            <Group title="Verified">
              {VERDICT_ORDER.map((each) => (
                <Facet
                  key={each}
                  name={VERDICT_WORDS[each]}
                  count={counted.verdicts[meta.verdicts.indexOf(each)] ?? 0}
                  most={Math.max(...counted.verdicts)}
                  color="is-neutral"
                  isOn={verdicts.includes(each)}
                  isKept={false}
                  onClick={() => narrow({ verdicts: toggleWord(verdicts, each) })}
                />
              ))}
            </Group>
          )}
          <Group title="Fields">
            {meta.fields.map(({ name }, at) => (
              <FieldFacet
                key={name}
                name={name}
                counts={meta.levels.map((level, index) => [level, counted.fields[at]?.[index] ?? 0] as const)}
                isOn={field === name}
                onClick={() => narrow({ field: field === name ? null : name })}
              />
            ))}
          </Group>
          <WordGroup
            title="Sources"
            counts={counted.hosts}
            chosen={hosts}
            onChoose={(words) => narrow({ hosts: words })}
          />
          <WordGroup
            title="Why rows failed"
            counts={counted.reasons}
            chosen={reasons}
            onChoose={(words) => narrow({ reasons: words })}
          />
        </>
      )}
    </aside>
  );
}

function Group(props: {
  readonly title: string;
  readonly about?: string;
  readonly children: preact.ComponentChildren;
}) {
  return (
    <section>
      <h2>
        {props.title} {props.about !== undefined && <span class="quiet">{props.about}</span>}
      </h2>
      <ul>{props.children}</ul>
    </section>
  );
}

function Facet(props: {
  readonly name: string;
  readonly icon?: preact.ComponentChildren;
  readonly count: number;
  readonly most: number;
  readonly color: string;
  readonly isOn: boolean;
  /** False to hide it while its count is 0. */
  readonly isKept: boolean;
  onClick(): void;
}) {
  const { name, count, most, isOn } = props;
  if (count === 0 && !isOn && !props.isKept) return null;
  return (
    <li>
      <button
        type="button"
        class={`facet${isOn ? ' is-on' : ''}${count === 0 ? ' is-zero' : ''}`}
        aria-pressed={isOn}
        title={name}
        onClick={props.onClick}
      >
        {props.icon}
        <span class="facet-name">{name}</span>
        <span class="facet-count">{formatCount(count)}</span>
        <span class="facet-bar" aria-hidden="true">
          <Share percent={most === 0 ? 0 : (count / most) * 100} kind={props.color} />
        </span>
      </button>
    </li>
  );
}

function FieldFacet(props: {
  readonly name: string;
  readonly counts: readonly (readonly [Level, number])[];
  readonly isOn: boolean;
  onClick(): void;
}) {
  const total = props.counts.reduce((sum, [, count]) => sum + count, 0);
  const share = (count: number): number => (total === 0 ? 0 : (count / total) * 100);
  const find = (...levels: Level[]): number =>
    props.counts.reduce((sum, [level, count]) => sum + (levels.includes(level) ? count : 0), 0);
  return (
    <li>
      <button
        type="button"
        class={`facet is-field${props.isOn ? ' is-on' : ''}`}
        aria-pressed={props.isOn}
        title={props.name}
        onClick={props.onClick}
      >
        <span class="facet-name">{props.name}</span>
        <span class="facet-count">{Math.round(share(total - find('none')))}%</span>
        <span class="facet-bar is-stack" aria-hidden="true">
          <Share percent={share(find('high', 'human', 'own'))} kind="is-high" />
          <Share percent={share(find('medium', 'unrated'))} kind="is-medium" />
          <Share percent={share(find('low'))} kind="is-low" />
        </span>
      </button>
    </li>
  );
}

function WordGroup(props: {
  readonly title: string;
  readonly counts: readonly (readonly [string, number])[];
  readonly chosen: readonly string[];
  onChoose(words: readonly string[]): void;
}) {
  const { counts, chosen } = props;
  const missing = chosen.filter((word) => !counts.some(([each]) => each === word));
  const all = [...counts, ...missing.map((word) => [word, 0] as const)];
  if (all.length === 0) return null;
  const most = Math.max(...all.map(([, count]) => count));
  return (
    <Group title={props.title}>
      {all.map(([word, count]) => (
        <Facet
          key={word}
          name={word}
          count={count}
          most={most}
          color="is-neutral"
          isOn={chosen.includes(word)}
          isKept
          onClick={() => props.onChoose(toggleWord(chosen, word))}
        />
      ))}
    </Group>
  );
}

export function Bars({ level }: { readonly level: string }) {
  return (
    <span class={`bars b-${level}`} aria-hidden="true">
      <i />
      <i />
      <i />
    </span>
  );
}
