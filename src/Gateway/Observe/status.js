// Draws GET api/v1/status and keeps it fresh. Every word that comes from outside is put in as text, never as markup: tenants, nodes and sources choose their own names.
"use strict";

(() => {
  const PERIOD_MS = 5000;
  const TIMEOUT_MS = 8000;
  // Two refreshes missed: from here on the age is told loudly.
  const STALE_MS = 12000;
  const OPENED_AT_FIRST = 3;

  const $ = id => document.getElementById(id);

  // Texts

  const number = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  const n = value => number.format(value);
  const count = (value, unit) => `${n(value)} ${value === 1 ? unit.slice(0, -1) : unit}`;
  const lines = value => count(value, "lines");

  function perSecond(count, seconds) {
    const rate = count / seconds;
    return rate > 0 && rate < 10 ? rate.toFixed(rate < 1 ? 2 : 1) : n(rate);
  }

  function bytes(value) {
    const units = ["B", "KB", "MB", "GB", "TB"];
    let unit = 0;
    while (value >= 1024 && unit < units.length - 1) {
      value /= 1024;
      unit++;
    }
    return `${value >= 100 || unit === 0 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ${units[unit]}`;
  }

  // "6.5 of 51.2 KB/s": the unit once, where it is the same.
  function bytesOf(part, whole, unit) {
    const [a, b] = [bytes(part), bytes(whole)];
    return a.split(" ")[1] === b.split(" ")[1] ? `${a.split(" ")[0]} of ${b}${unit}` : `${a}${unit} of ${b}${unit}`;
  }

  function duration(seconds) {
    if (seconds < 1) return seconds <= 0 ? "0 s" : `${Math.round(seconds * 1000)} ms`;
    if (seconds < 120) return `${Math.round(seconds)} s`;
    if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
    if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} h`;
    return `${(seconds / 86400).toFixed(1)} days`;
  }

  // Rounded down: 100 % is said only when nothing is missing.
  const percent = ratio => `${(Math.floor(ratio * 10000) / 100).toFixed(ratio >= 0.9 && ratio < 1 ? 2 : 0)} %`;

  // To be found again in logs, which are in UTC.
  const clock = time => `${new Date(time).toISOString().slice(11, 19)} UTC`;
  const day = time => `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;

  // Control and direction characters could make one name look like another, or turn the rest of the line around.
  const visible = text => String(text).replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g,
    char => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

  // Elements

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // Written only when it changes: a selection survives, and a screen reader is not told of what stayed as it was.
  function put(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  // A name that somebody else has chosen, apart from the direction of the text around it.
  const name = text => make("bdi", "", visible(text));

  // Makes one element like another, node by node: a link that has the focus keeps it while the figures around it change.
  function morph(element, wanted) {
    const now = [...element.childNodes];
    const then = [...wanted.childNodes];
    then.forEach((node, index) => {
      const old = now[index];
      if (!old) element.append(node);
      else if (old.nodeName !== node.nodeName) old.replaceWith(node);
      else if (node.nodeType === Node.TEXT_NODE) {
        if (old.data !== node.data) old.data = node.data;
      } else {
        for (const { name } of [...old.attributes]) if (!node.hasAttribute(name)) old.removeAttribute(name);
        for (const { name, value } of node.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
        morph(old, node);
      }
    });
    for (const extra of now.slice(then.length)) extra.remove();
  }

  function fill(element, parts) {
    const holder = document.createElement("div");
    holder.append(...parts);
    morph(element, holder);
  }

  function facts(list, pairs) {
    const holder = document.createElement("dl");
    for (const [term, value] of pairs) {
      const definition = make("dd");
      definition.append(...[value].flat());
      holder.append(make("dt", "", term), definition);
    }
    morph(list, holder);
  }

  // Only paths of this port, and relative to this page.
  function link(path) {
    const anchor = make("a", "", path.length > 60 ? path.slice(0, path.indexOf("?")) : visible(path));
    if (path.startsWith("/api/") || path === "/metrics") anchor.setAttribute("href", path.slice(1));
    return anchor;
  }

  // Tables: rows stay the same elements from refresh to refresh, so that focus, selection and what is open stay where they are.

  class Table {
    constructor(id, columns, options = {}) {
      this.table = $(id);
      this.section = this.table.closest("section");
      this.columns = columns;
      this.options = options;
      this.rows = new Map();
      this.opened = new Map();
      this.sort = null;
      this.body = make("tbody");
      // Said in so many words, because cards on a narrow screen are no table to a browser any more.
      this.table.setAttribute("role", "table");
      this.body.setAttribute("role", "rowgroup");
      this.table.append(this.head(), this.body);
    }

    head() {
      const head = make("thead");
      const row = make("tr");
      head.setAttribute("role", "rowgroup");
      row.setAttribute("role", "row");
      for (const column of this.columns) {
        const cell = make("th", column.number ? "num" : "");
        cell.scope = "col";
        cell.setAttribute("role", "columnheader");
        const button = make("button", "sort", column.label);
        button.type = "button";
        button.title = "Sort";
        button.addEventListener("click", () => this.turn(column));
        cell.append(button);
        column.header = cell;
        row.append(cell);
      }
      head.append(row);
      return head;
    }

    // First the large ones, then the small ones, then the order of the gateway again: the worst first.
    turn(column) {
      const steps = column.number || column.descendsFirst ? ["descending", "ascending"] : ["ascending", "descending"];
      if (this.sort?.column !== column) this.sort = { column, order: steps[0] };
      else if (this.sort.order === steps[0]) this.sort.order = steps[1];
      else this.sort = null;
      for (const other of this.columns) {
        if (this.sort?.column === other) other.header.setAttribute("aria-sort", this.sort.order);
        else other.header.removeAttribute("aria-sort");
      }
      this.arrange();
    }

    show(items, more = 0) {
      this.items = items;
      this.table.hidden = items.length === 0;
      const none = this.section.querySelector(".none");
      if (none) none.hidden = items.length > 0;
      const left = this.section.querySelector(".more");
      if (left) {
        left.hidden = more === 0;
        put(left, `and ${n(more)} more, in less trouble than these.`);
      }

      const seen = new Set();
      items.forEach((item, index) => {
        const key = this.options.key(item);
        seen.add(key);
        let row = this.rows.get(key);
        if (!row) this.rows.set(key, row = this.newRow(key));
        row.index = index;
        row.item = item;
        this.draw(row);
      });
      for (const [key, row] of this.rows) {
        if (seen.has(key)) continue;
        row.element.remove();
        row.detail?.remove();
        this.rows.delete(key);
        this.opened.delete(key);
      }
      this.arrange();
    }

    newRow(key) {
      const element = make("tr");
      element.setAttribute("role", "row");
      const cells = this.columns.map((column, index) => {
        const cell = make(index === 0 ? "th" : "td", index === 0 ? "" : column.className ?? (column.number ? "num" : ""));
        if (index === 0) cell.scope = "row";
        else cell.dataset.label = column.label;
        cell.setAttribute("role", index === 0 ? "rowheader" : "cell");
        element.append(cell);
        if (index === 0) return cell;
        // One box beside the label of a card.
        const content = make("span");
        cell.append(content);
        return content;
      });
      return { key, element, cells, detail: null, button: null };
    }

    draw(row) {
      this.columns.forEach((column, index) => {
        if (index === 0) return;
        const cell = row.cells[index];
        column.cell(row.item, cell);
        // What says nothing takes no line of a card.
        cell.parentElement.classList.toggle("void", cell.textContent === "" || cell.textContent === "none");
      });
      const content = this.options.detail?.(row.item) ?? null;
      if (content) this.drawDetail(row, content);
      else this.dropDetail(row);
    }

    dropDetail(row) {
      row.detail?.remove();
      row.detail = row.button = null;
      row.element.classList.remove("has-detail");
      fill(row.cells[0], [this.nameOf(row.item, this.options.detail ? "closed" : "")]);
    }

    nameOf(item, className) {
      const text = name(this.columns[0].text(item));
      text.className = className;
      return text;
    }

    drawDetail(row, content) {
      if (!row.detail) {
        row.button = make("button", "open");
        row.button.type = "button";
        row.button.append(this.nameOf(row.item, ""));
        row.button.addEventListener("click", () => {
          this.opened.set(row.key, !this.isOpen(row));
          this.draw(row);
        });
        row.cells[0].replaceChildren(row.button);
        row.detail = make("tr", "detail");
        row.detail.id = `detail-${Table.details++}`;
        row.detail.setAttribute("role", "row");
        const cell = make("td");
        cell.setAttribute("role", "cell");
        cell.colSpan = this.columns.length;
        row.detail.append(cell);
        row.button.setAttribute("aria-controls", row.detail.id);
        row.element.after(row.detail);
      }
      const isOpen = this.isOpen(row);
      row.button.setAttribute("aria-expanded", String(isOpen));
      row.element.classList.toggle("has-detail", isOpen);
      row.detail.hidden = !isOpen;
      if (isOpen) fill(row.detail.firstChild, content);
    }

    isOpen(row) {
      return this.opened.get(row.key) ?? (this.options.opensByItself?.(row.item) === true && row.index < OPENED_AT_FIRST);
    }

    arrange() {
      const rows = [...this.rows.values()].sort((a, b) => {
        if (this.sort) {
          const [x, y] = [this.sort.column.value(a.item), this.sort.column.value(b.item)];
          const order = typeof x === "string" ? x.localeCompare(y) : x - y;
          if (order !== 0) return this.sort.order === "ascending" ? order : -order;
        }
        return a.index - b.index;
      });
      const focused = document.activeElement;
      let last = null;
      for (const row of rows) {
        for (const element of row.detail ? [row.element, row.detail] : [row.element]) {
          const place = last ? last.nextSibling : this.body.firstChild;
          if (place !== element) this.body.insertBefore(element, place);
          last = element;
        }
      }
      // A row that moves takes its focus along.
      if (focused !== document.activeElement && this.body.contains(focused)) focused.focus({ preventScroll: true });
    }
  }

  Table.details = 0;

  // What the tables show

  let seconds = 60;
  const sum = counts => counts.reduce((all, one) => all + one.count, 0);
  const missingOf = cluster => cluster.expected_lines - cluster.acked_lines;

  function tag(cell, state, text) {
    fill(cell, [make("span", `tag ${state}`, text)]);
  }

  // A bar beside its figures; the words say what the colour says.
  function bar(cell, used, text) {
    let [track, label] = [cell.querySelector(".track"), cell.querySelector(".label")];
    if (!track) {
      track = make("span", "track");
      track.setAttribute("aria-hidden", "true");
      track.append(make("span", "fill"));
      label = make("span", "label");
      cell.replaceChildren(track, label);
    }
    track.hidden = used === null;
    track.classList.toggle("over", used > 1);
    track.classList.toggle("near", used >= 0.8 && used <= 1);
    track.firstChild.style.width = `${Math.min(100, 100 * (used ?? 0))}%`;
    put(label, text + (used > 1 ? ", over" : used === 1 ? ", full" : used >= 0.8 ? ", near" : ""));
  }

  const rateUse = tenant => tenant.limit_bytes_per_second > 0 ? tenant.received_bytes / seconds / tenant.limit_bytes_per_second : 0;
  const streamUse = tenant => tenant.streams_max ? tenant.streams / tenant.streams_max : 0;
  const counted = counts => counts.filter(one => one.count > 0);
  const reasons = counts => counted(counts).map(one => visible(one.reason)).join(", ");

  function reasonLines(tenant) {
    const list = make("ul", "plain");
    for (const [counts, words] of [[tenant.refused, "refused"], [tenant.unacked, "not acknowledged"]]) {
      for (const one of counts) {
        const item = make("li");
        item.append(`${lines(one.count)} ${words}: `, name(one.reason), make("span", "quiet", ` (${lines(one.since_start)} since the tenant was first heard of)`));
        list.append(item);
      }
    }
    if (tenant.blocked_until) list.append(make("li", "", `Blocked until ${day(tenant.blocked_until)} (block_ingestion_until).`));
    return [list];
  }

  const tenants = new Table("tenants-table", [
    { label: "Tenant", text: one => one.tenant, value: one => one.tenant },
    { label: "Rate", className: "bar", descendsFirst: true, value: rateUse,
      cell: (one, cell) => bar(cell, rateUse(one), bytesOf(one.received_bytes / seconds, one.limit_bytes_per_second, "/s")) },
    { label: "Active streams", className: "bar", descendsFirst: true, value: streamUse,
      cell: (one, cell) => bar(cell, one.streams_max ? streamUse(one) : null, one.streams_max ? `${n(one.streams)} of ${n(one.streams_max)}` : `${n(one.streams)}, no limit`) },
    { label: "Lines/s", number: true, value: one => one.received_lines, cell: (one, cell) => put(cell, perSecond(one.received_lines, seconds)) },
    { label: "Refused", descendsFirst: true, value: one => sum(one.refused), cell: (one, cell) => lineCount(cell, one.refused, "warning", one.blocked_until ? "blocked" : "none") },
    { label: "Not acknowledged", descendsFirst: true, value: one => sum(one.unacked), cell: (one, cell) => lineCount(cell, one.unacked, "bad", "none") },
  ], {
    key: one => one.tenant,
    detail: one => one.refused.length + one.unacked.length > 0 || one.blocked_until ? reasonLines(one) : null,
  });

  function lineCount(cell, counts, state, otherwise) {
    const all = sum(counts);
    if (all === 0) fill(cell, [make("span", otherwise === "none" ? "quiet" : "tag bad", otherwise)]);
    else fill(cell, [make("span", `tag ${state}`, lines(all)), make("span", "quiet", ` ${reasons(counts)}`)]);
  }

  const sides = { limit: "a limit here", loki: "Loki", sign_in: "sign-in", request: "answer" };

  const refusals = new Table("refusals-table", [
    { label: "Reason", text: one => one.reason, value: one => one.reason },
    { label: "By", value: one => one.by, cell: (one, cell) => put(cell, sides[one.by] ?? one.by) },
    { label: "Now", descendsFirst: true, value: one => one.count,
      cell: (one, cell) => one.count === 0 ? fill(cell, [make("span", "quiet", "none now")]) : tag(cell, one.by === "loki" ? "bad" : "warning", count(one.count, one.unit)) },
    { label: "Since start", descendsFirst: true, value: one => one.since_start, cell: (one, cell) => put(cell, count(one.since_start, one.unit)) },
    { label: "Whose", value: one => one.tenants.length,
      cell: (one, cell) => {
        const parts = one.tenants.flatMap((tenant, index) => [...(index > 0 ? [", "] : []), name(tenant.tenant), ` (${n(tenant.count)})`]);
        fill(cell, one.tenants_more > 0 ? [...parts, ` and ${n(one.tenants_more)} more`] : parts);
      } },
    { label: "Meaning", value: one => one.meaning, cell: (one, cell) => put(cell, one.meaning) },
  ], { key: one => `${one.by} ${one.reason}` });

  function missingTable(cluster) {
    const table = make("table");
    table.setAttribute("role", "table");
    table.setAttribute("aria-label", `Missing sources of ${visible(cluster.cluster ?? "no cluster")}, tenant ${visible(cluster.tenant)}`);
    const labels = ["Source", "Node", "Missing", "Why"];
    const head = make("tr");
    head.setAttribute("role", "row");
    for (const label of labels) {
      const cell = make("th", label === "Missing" ? "num" : "", label);
      cell.scope = "col";
      cell.setAttribute("role", "columnheader");
      head.append(cell);
    }
    const thead = make("thead");
    const body = make("tbody");
    thead.setAttribute("role", "rowgroup");
    body.setAttribute("role", "rowgroup");
    thead.append(head);
    for (const one of cluster.missing) {
      const row = make("tr");
      row.setAttribute("role", "row");
      const why = [
        one.lost_lines > 0 ? `${n(one.lost_lines)} lost unread` : "",
        one.rejected_lines > 0 ? `${n(one.rejected_lines)} refused for good` : "",
        one.undecided_lines > 0 ? `${n(one.undecided_lines)} still not acknowledged` : "",
      ].filter(Boolean).join(", ") + (one.reasons.length > 0 ? ` (${one.reasons.map(visible).join(", ")})` : "");
      const cells = [
        [make("th"), name(one.source)], [make("td"), name(one.node)], [make("td", "num"), `${n(one.expected_lines - one.acked_lines)} of ${n(one.expected_lines)}`], [make("td"), why],
      ];
      cells.forEach(([cell, content], index) => {
        if (index === 0) cell.scope = "row";
        else cell.dataset.label = labels[index];
        cell.setAttribute("role", index === 0 ? "rowheader" : "cell");
        const box = make("span");
        box.append(content);
        cell.append(box);
        row.append(cell);
      });
      body.append(row);
    }
    table.append(thead, body);
    const rest = cluster.missing_sources - cluster.missing.length;
    const query = `?tenant=${encodeURIComponent(cluster.tenant)}${cluster.cluster ? `&cluster=${encodeURIComponent(cluster.cluster)}` : ""}`;
    const all = make("a", "", rest > 0 ? `and ${n(rest)} more: all of them` : "all figures of these");
    all.setAttribute("href", `api/v1/completeness${query}`);
    const last = make("p");
    last.append(all);
    return [table, last];
  }

  function completenessTag(one, cell) {
    if (one.below_threshold) tag(cell, "bad", `${percent(one.ratio)}, below threshold`);
    else if (one.missing_sources > 0) tag(cell, "warning", `${percent(one.ratio)}, some missing`);
    else tag(cell, "ok", one.expected_lines > 0 ? `${percent(one.ratio)}, complete` : "nothing expected");
  }

  const clusters = new Table("clusters-table", [
    { label: "Cluster", text: one => one.cluster ?? "(no cluster)", value: one => one.cluster ?? "" },
    { label: "Tenant", value: one => one.tenant, cell: (one, cell) => fill(cell, [name(one.tenant)]) },
    { label: "In Loki", value: one => one.ratio, cell: (one, cell) => completenessTag(one, cell) },
    { label: "Lines missing", number: true, value: missingOf, cell: (one, cell) => put(cell, `${n(missingOf(one))} of ${n(one.expected_lines)}`) },
    { label: "Lost", number: true, value: one => one.lost_lines, cell: (one, cell) => put(cell, n(one.lost_lines)) },
    { label: "Missing sources", number: true, value: one => one.missing_sources, cell: (one, cell) => put(cell, n(one.missing_sources)) },
    { label: "Nodes", number: true, value: one => one.silent_nodes,
      cell: (one, cell) => put(cell, one.silent_nodes > 0 ? `${n(one.nodes)}, ${n(one.silent_nodes)} silent` : n(one.nodes)) },
  ], {
    key: one => JSON.stringify([one.tenant, one.cluster]),
    detail: one => one.missing.length > 0 ? missingTable(one) : null,
    opensByItself: one => one.missing.length > 0,
  });

  const nodes = new Table("nodes-table", [
    { label: "Node", text: one => one.node, value: one => one.node },
    { label: "Cluster", value: one => one.cluster ?? "", cell: (one, cell) => fill(cell, one.cluster ? [name(one.cluster)] : []) },
    { label: "State", value: one => one.silent ? 0 : one.stopped ? 1 : 2,
      cell: (one, cell) => one.silent ? tag(cell, "bad", "silent") : one.stopped ? tag(cell, "quiet", "stopped") : tag(cell, "ok", "reporting") },
    { label: "Oldest line waits", number: true, value: one => one.seconds_behind, cell: (one, cell) => put(cell, one.silent ? "not known" : duration(one.seconds_behind)) },
    { label: "Unread", number: true, value: one => one.bytes_behind, cell: (one, cell) => put(cell, one.silent ? "not known" : bytes(one.bytes_behind)) },
    { label: "Deletes unread lines in", number: true, value: one => -(one.seconds_until_loss ?? Infinity),
      cell: (one, cell) => put(cell, one.silent ? "not known" : one.seconds_until_loss === undefined ? "no danger" : duration(one.seconds_until_loss)) },
    { label: "Last report", number: true, value: one => one.age_seconds, cell: (one, cell) => put(cell, `${duration(one.age_seconds)} ago`) },
  ], { key: one => JSON.stringify([one.cluster, one.node]) });

  // The answer to "what is wrong right now"

  const levels = { bad: "Now", warning: "Watch" };

  function finding(one) {
    const item = make("li");
    item.dataset.level = one.level;
    const rest = make("span", "rest");
    rest.append(visible(one.why ? `${one.why} ${one.next}` : one.next));
    if (one.link) rest.append(" ", link(one.link));
    item.append(make("span", "level", levels[one.level] ?? one.level), make("span", "what", visible(one.what)), rest);
    return item;
  }

  function headline(status) {
    const points = count(status.findings.length + status.findings_more, "findings");
    if (status.state === "bad") return `Lines are lost or not taken: ${points}`;
    if (status.state === "warning") return `Lines are held up, or soon will be: ${points}`;
    if (status.clusters.length === 0 && status.traffic.received_lines === 0) return "Nothing is refused; nothing has come in the last minute";
    return status.clusters.length === 0 ? "Nothing is refused" : "Nothing is lost and nothing is refused";
  }

  function drawNow(status) {
    const { traffic } = status;
    $("verdict").dataset.state = status.state === "ok" && status.clusters.length === 0 && traffic.received_lines === 0 ? "none" : status.state;
    put($("headline"), headline(status));
    put($("subline"), status.clusters.length === 0
      ? "No shipper has reported, so whether every line of the nodes has come nobody can say here."
      : `What is missing is judged by the reports of ${count(status.nodes.length + status.nodes_more, "nodes")}.`);
    $("findings").hidden = status.findings.length === 0;
    fill($("findings"), status.findings.map(finding));
    $("findings-more").hidden = status.findings_more === 0;
    put($("findings-more"), `and ${n(status.findings_more)} more, in the tables below.`);

    const part = some => traffic.received_lines === 0 ? "" : `${percent(Math.min(1, some / traffic.received_lines))} of the lines`;
    $("figures").hidden = false;
    put($("f-received"), `${perSecond(traffic.received_lines, seconds)} lines/s`);
    put($("f-received-more"), `${bytes(traffic.received_bytes / seconds)}/s`);
    put($("f-acked"), `${perSecond(traffic.acked_lines, seconds)} lines/s`);
    put($("f-acked-more"), part(traffic.acked_lines));
    put($("f-refused"), lines(traffic.refused_lines));
    put($("f-refused-more"), part(traffic.refused_lines));
    put($("f-unacked"), lines(traffic.unacked_lines));
    put($("f-unacked-more"), part(traffic.unacked_lines));
    put($("f-missing"), status.clusters.length === 0 ? "not known" : lines(traffic.missing_lines));
    put($("f-missing-more"), status.clusters.length === 0 ? "no reports" : count(traffic.missing_sources, "sources"));
  }

  function drawEmpty(status) {
    const isEmpty = status.clusters.length === 0 && status.tenants.every(one => one.received_lines === 0 && one.streams === 0 && one.refused.length + one.unacked.length === 0);
    $("empty").hidden = !isEmpty;
    $("tenants").hidden = isEmpty && status.tenants.length === 0;
    if (!isEmpty) return;
    put($("empty-port"), String(status.gateway.push_port));
    put($("empty-auth"), status.gateway.auth_mode === "trust" ? "; auth.mode is trust, so no credential is asked for"
      : `, and a ${{ static: "token or password", mtls: "client certificate", jwt: "token of the identity provider" }[status.gateway.auth_mode]} (auth.mode ${status.gateway.auth_mode})`);
  }

  const state = (kind, text) => make("span", `tag ${kind}`, text);

  function drawUpstream(status) {
    const { upstream } = status;
    const wait = value => value === undefined ? "no pushes" : `at most ${duration(value)}`;
    facts($("upstream-facts"), [
      ["Address", name(upstream.push_url)],
      ["Circuit breaker", [upstream.breaker_open ? state("bad", "open, nothing is sent") : state("ok", "closed"), ` since ${day(upstream.breaker_changed_at)}`]],
      ["In flight", `${n(upstream.in_flight)} of ${n(upstream.max_in_flight)} pushes`],
      ["Pushes", `${perSecond(upstream.sent, seconds)} a second`],
      ["Failed", upstream.failed > 0 ? state("bad", `${n(upstream.failed)} of ${n(upstream.sent)}`) : "none"],
      ["Not sent", upstream.not_sent > 0 ? state("bad", `${n(upstream.not_sent)} (breaker open, or too many in flight)`) : "none"],
      ["Half of them waited", wait(upstream.wait_p50_seconds)],
      ["99 % of them waited", wait(upstream.wait_p99_seconds)],
    ]);
    $("failures-none").hidden = upstream.last_failures.length > 0;
    $("failures").hidden = upstream.last_failures.length === 0;
    fill($("failures"), upstream.last_failures.map(one => {
      const item = make("li");
      item.append(`${day(one.at).slice(0, 10)} ${clock(one.at)}: `, make("strong", "", visible(one.what)), one.times > 1 ? ` (${n(one.times)} in a row) ` : " ", name(one.detail));
      return item;
    }));
  }

  function drawGateway(status) {
    const { gateway, memory } = status;
    facts($("gateway-facts"), [
      ["State", gateway.draining ? state("warning", "stopping") : state("ok", "serving")],
      ["Running since", day(gateway.started_at)],
      ["Sign-in", `auth.mode ${gateway.auth_mode}`],
      ["Replicas", gateway.replicas === 1 ? "1" : `${n(gateway.replicas)}; this page shows what came through this one`],
      ["Memory of bodies", `${bytesOf(memory.bodies_bytes, memory.bodies_bytes_max, "")} (${percent(memory.bodies_bytes / memory.bodies_bytes_max)})`],
      ["Kept for the next", bytes(memory.kept_bytes)],
      ["Resident", bytes(memory.resident_bytes)],
    ]);
    fill($("checks"), status.checks.map(one => {
      const item = make("li");
      item.append(state(one.state, { ok: "OK", warning: "Watch", bad: "Bad" }[one.state] ?? one.state), ` ${one.name}: `, visible(one.text));
      return item;
    }));
  }

  function draw(status) {
    seconds = status.window_seconds;
    document.title = `${{ ok: "OK", warning: "Watch", bad: "Trouble" }[status.state] ?? status.state} · loki-gateway ${visible(status.gateway.instance)}`;
    put($("identity"), visible(`${status.gateway.instance}, version ${status.gateway.version}`));
    for (const element of document.querySelectorAll(".window")) put(element, `Figures of now are of the last ${Math.round(seconds)} seconds.`);
    put($("threshold"), `The alert is due under ${+(status.completeness_threshold * 100).toFixed(2)} %.`);
    drawNow(status);
    drawEmpty(status);
    tenants.show(status.tenants, status.tenants_more);
    refusals.show(status.refusals);
    clusters.show(status.clusters, status.clusters_more);
    nodes.show(status.nodes, status.nodes_more);
    drawUpstream(status);
    drawGateway(status);
  }

  // Keeping it fresh

  let paused = false;
  let timer = 0;
  let running = null;
  let last = null;
  let trouble = "";
  let said = "";

  function say(text) {
    if (text === said) return;
    said = text;
    put($("announce"), text);
  }

  async function load() {
    const give = new AbortController();
    const limit = setTimeout(() => give.abort(), TIMEOUT_MS);
    try {
      const answer = await fetch("api/v1/status", { cache: "no-store", signal: give.signal });
      if (!answer.ok) throw new Error(`it answered ${answer.status}`);
      const status = await answer.json();
      draw(status);
      last = { at: performance.now(), time: status.at };
      trouble = "";
      say(headline(status));
    } catch (failure) {
      trouble = failure.name === "AbortError" ? `no answer within ${TIMEOUT_MS / 1000} s` : failure instanceof TypeError ? "no connection" : failure.message;
      say("The gateway cannot be reached. The figures are old.");
    } finally {
      clearTimeout(limit);
    }
  }

  // One request at a time; the next is asked for when this one is over.
  async function refresh() {
    clearTimeout(timer);
    running ??= load().finally(() => running = null);
    await running;
    age();
    clearTimeout(timer);
    if (!paused && !document.hidden) timer = setTimeout(refresh, PERIOD_MS);
  }

  function age() {
    const old = last ? performance.now() - last.at : Infinity;
    const isStale = trouble !== "" || (old > STALE_MS && !paused);
    document.body.classList.toggle("is-stale", isStale);
    $("stale").hidden = !isStale;
    if (isStale) {
      document.title = "Not reached · loki-gateway";
      put($("stale-what"), trouble === "" ? "These figures are not fresh." : `The gateway cannot be reached: ${trouble}.`);
      put($("stale-age"), last ? `What you see is ${duration(old / 1000)} old, of ${clock(last.time)}. Trying again every ${PERIOD_MS / 1000} seconds.`
        : `There are no figures yet. Trying again every ${PERIOD_MS / 1000} seconds.`);
    }
    if (last) put($("freshness"), `${isStale ? "Old" : paused ? "Paused" : "Live"}, ${clock(last.time)}${old < 7000 ? "" : `, ${duration(old / 1000)} ago`}`);
    else if (trouble !== "") put($("freshness"), "No figures yet");
  }

  $("refresh").addEventListener("click", refresh);
  $("pause").addEventListener("click", () => {
    paused = !paused;
    $("pause").setAttribute("aria-pressed", String(paused));
    if (paused) clearTimeout(timer);
    else refresh();
    age();
  });
  // A tab in the background asks for nothing; back in front it does at once.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) clearTimeout(timer);
    else if (!paused) refresh();
  });
  setInterval(age, 1000);
  refresh();
})();
