// What a dashboard of version 1 may contain: Grafana's own types, made strict where they are open.
import type * as s from '@grafana/schema';
import type * as barchart from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as bargauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as stateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// A type as JSON writes it: the members of an enumeration are their values.
type Json<T> = T extends string ? `${T}` : T extends (infer U)[] ? Json<U>[]
  : T extends object ? { [K in keyof T]: Json<T[K]> } : T;

type None = Record<string, never>;

// The options and the field configuration of each kind of panel that is used.
type Kinds = {
  barchart: [barchart.Options, barchart.FieldConfig];
  bargauge: [bargauge.Options, None];
  heatmap: [heatmap.Options, heatmap.FieldConfig];
  stat: [stat.Options, None];
  'state-timeline': [stateTimeline.Options, stateTimeline.FieldConfig];
  table: [table.Options, table.FieldConfig];
  timeseries: [timeseries.Options, timeseries.FieldConfig];
};

type Source = { type: 'grafana-clickhouse-datasource'; uid: '${datasource}' };
type Link = { title: string; url: string; targetBlank?: boolean };
type Written = { refId: string; datasource: Source; editorType: 'sql'; pluginVersion: `4.${number}.${number}`; rawSql: string };
type Target = Written & ({ queryType: 'timeseries'; format: 0 } | { queryType: 'table'; format: 1 });

type Field<Custom> = Omit<Json<Omit<s.FieldConfig, 'custom' | 'links'>>, never> & { custom?: Json<Custom>; links?: Link[] };
type Property<F, Prefix extends string = ''> = { [K in keyof F & string]-?: { id: `${Prefix}${K}`; value: NonNullable<F[K]> } }[keyof F & string];
type Override<Custom> = {
  matcher: { id: 'byName' | 'byRegexp'; options: string };
  properties: (Property<Omit<Field<Custom>, 'custom'>> | Property<Json<Custom>, 'custom.'>)[];
};

export type Panel<Kind extends keyof Kinds> = Omit<Json<Omit<s.Panel, 'fieldConfig' | 'options' | 'targets' | 'datasource' | 'type'>>, never> & {
  type: Kind;
  id: number;
  gridPos: s.GridPos;
  datasource: Source;
  targets: Target[];
  options: Partial<Json<Kinds[Kind][0]>>;
  fieldConfig: { defaults: Field<Kinds[Kind][1]> & { unit: string }; overrides: Override<Kinds[Kind][1]>[] };
};

export type Row = Json<Omit<s.RowPanel, 'panels'>> & { panels: [] };
export type Variable = Json<Omit<s.VariableModel, 'datasource'>> & { datasource?: Source; definition?: string };
export type Annotation = Json<Omit<s.AnnotationQuery, 'target' | 'datasource'>> & { target: Target; datasource: Source };
export type Dashboard = Omit<Json<Omit<s.Dashboard, 'panels' | 'templating' | 'annotations' | 'refresh' | 'snapshot'>>, never>
  & { uid: string; title: string; description: string; refresh: `${number}${'s' | 'm' | 'h'}` };
