// The vocabulary of our dashboards: panels that fill the grid by themselves, all with the chosen datasource. Nothing is drawn without a description
// that says what to do, and nothing without a unit; a missing one stops the generator.

const datasource = { type: "prometheus", uid: "${datasource}" };

/** A number is good below warn, to be looked at below bad, and wrong from there on; good is "high" where it is the other way round. */
export function levels(warn, bad, good = "low") {
  const [first, second, third] = good === "low" ? ["green", "orange", "red"] : ["red", "orange", "green"];
  const middle = warn === bad ? [] : [{ color: second, value: warn }];
  return { mode: "absolute", steps: [{ color: first, value: null }, ...middle, { color: third, value: bad }] };
}

function need(value, what, title) {
  if (!value) throw new Error(`panel "${title}": no ${what}`);
  return value;
}

function targets(queries) {
  return Object.entries(queries).map(([legend, expr], at) => ({
    datasource, editorMode: "code", expr, legendFormat: legend, range: true, refId: String.fromCharCode(65 + at),
  }));
}

function panel(type, title, { unit, about, queries, thresholds, min, max, decimals, link }, options, custom = {}) {
  return {
    type, title, datasource,
    description: need(about, "description", title),
    targets: targets(need(queries, "queries", title)),
    fieldConfig: {
      defaults: {
        unit: need(unit, "unit", title),
        ...(thresholds && { thresholds }),
        ...(min !== undefined && { min }), ...(max !== undefined && { max }), ...(decimals !== undefined && { decimals }),
        ...(link && { links: [{ title: link.title, url: `/d/lokigateway-${link.to}?\${__url_time_range}&\${__all_variables}` }] }),
        color: { mode: thresholds && type !== "timeseries" ? "thresholds" : "palette-classic" },
        custom,
      },
      overrides: [],
    },
    options,
  };
}

/** Lines over time; with thresholds they are drawn, too. */
export function graph(title, spec) {
  const built = panel("timeseries", title, spec,
    { legend: { displayMode: "table", placement: "bottom", calcs: ["lastNotNull", "max"], showLegend: true }, tooltip: { mode: "multi", sort: "desc" } },
    {
      drawStyle: "line", lineWidth: 1, fillOpacity: spec.stack ? 30 : 10, showPoints: "never", spanNulls: false,
      stacking: { mode: spec.stack ? "normal" : "none", group: "A" },
      thresholdsStyle: { mode: spec.thresholds ? "dashed" : "off" },
    });
  return { ...built, width: spec.width ?? 12, height: 8 };
}

/** One number, the last one; several series are several numbers. */
export function number(title, spec) {
  need(spec.thresholds, "thresholds", title);
  const built = panel("stat", title, spec, {
    colorMode: "background", graphMode: spec.spark === false ? "none" : "area", justifyMode: "auto", orientation: "auto", textMode: "auto",
    reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
  });
  return { ...built, width: spec.width ?? 4, height: 4 };
}

/** The series of one moment as rows, the largest value first unless ascending; the queries' names are the columns. */
export function table(title, spec) {
  const values = Object.keys(spec.queries);
  const built = panel("table", title, spec, { showHeader: true, cellHeight: "sm", sortBy: [{ displayName: values[0], desc: !spec.ascending }] }, { align: "auto" });
  built.targets = built.targets.map((target) => ({ ...target, format: "table", instant: true, range: false }));
  // Grafana calls the values of several queries "Value #A" and so on, of a single one "Value".
  const names = values.map((name, at) => [values.length === 1 ? "Value" : `Value #${built.targets[at].refId}`, name]);
  built.transformations = [{ id: "merge", options: {} }, { id: "organize", options: { excludeByName: { Time: true }, renameByName: Object.fromEntries(names) } }];
  return { ...built, width: spec.width ?? 12, height: 8 };
}

/** A heading over the panels after it. */
export function row(title) {
  return { type: "row", title, collapsed: false, panels: [], width: 24, height: 1 };
}

/** Puts panels side by side until a line is full, and lines below each other. */
export function laid(panels) {
  let x = 0, y = 0, lineHeight = 0;
  return panels.map(({ width, height, ...built }, at) => {
    if (x + width > 24) [x, y, lineHeight] = [0, y + lineHeight, 0];
    const gridPos = { x, y, w: width, h: height };
    x += width;
    lineHeight = Math.max(lineHeight, height);
    return { id: at + 1, gridPos, ...built };
  });
}

const chosen = (name, label, metric, extra = {}) => ({
  name, label, type: "query", datasource, definition: `label_values(${metric}, ${name})`,
  query: { qryType: 1, query: `label_values(${metric}, ${name})`, refId: "variable" },
  refresh: 2, sort: 1, multi: true, includeAll: true, allValue: ".*", current: { selected: true, text: ["All"], value: ["$__all"] }, hide: 0, options: [], regex: "", ...extra,
});

/** The dashboard around its panels. clusters and tenants name a metric that has the label. */
export function dashboard({ name, title, about, clusters, tenants, from = "now-6h", refresh = "1m" }, panels) {
  return {
    id: null, uid: `lokigateway-${name}`, title: `LokiGateway / ${title}`, description: about, tags: ["lokigateway"],
    schemaVersion: 39, version: 1, editable: true, graphTooltip: 1, refresh, timezone: "browser", time: { from, to: "now" },
    annotations: { list: [] },
    links: [{ title: "LokiGateway", type: "dashboards", tags: ["lokigateway"], asDropdown: true, includeVars: true, keepTime: true, targetBlank: false, icon: "external link", url: "" }],
    templating: {
      list: [
        { name: "datasource", label: "Prometheus", type: "datasource", query: "prometheus", refresh: 1, hide: 0, multi: false, includeAll: false, options: [], regex: "", current: {} },
        chosen("cluster", "Cluster", clusters),
        ...(tenants ? [chosen("tenant", "Tenant", tenants)] : []),
      ],
    },
    panels: laid(panels),
  };
}
