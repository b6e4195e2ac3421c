// The formats of POST /api/exports/findings, those for people first.

export interface ExportQuery {
  format: string;
  encoding?: string;
  period?: string;
  until?: string;
  county?: string;
  verdict?: string;
  patch?: number;
}

export const FORMATS: { name: string; asked: Pick<ExportQuery, 'format' | 'encoding'> }[] = [
  { name: 'Excel (XLSX)', asked: { format: 'xlsx' } },
  { name: 'CSV', asked: { format: 'csv' } },
  { name: 'Shapefile (GBK)', asked: { format: 'shp', encoding: 'GBK' } },
  { name: 'Shapefile (UTF-8)', asked: { format: 'shp', encoding: 'UTF-8' } },
  { name: 'FileGDB', asked: { format: 'gdb' } },
  { name: 'GeoPackage', asked: { format: 'gpkg' } },
  { name: 'GeoJSON', asked: { format: 'geojson' } },
  { name: 'FlatGeobuf', asked: { format: 'fgb' } },
];
