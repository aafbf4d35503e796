// The zone that a TZID means. The rules in a VTIMEZONE are never read: they are a program of whoever wrote the file.
import { isTimeZone } from '../contract/time-zone.ts'

/** Names of Windows, as Outlook and Exchange write them, with the zones that Unicode CLDR gives them for no territory in particular. */
const windows = new Map(
  `Dateline Standard Time=Etc/GMT+12
Hawaiian Standard Time=Pacific/Honolulu
Alaskan Standard Time=America/Anchorage
Pacific Standard Time=America/Los_Angeles
US Mountain Standard Time=America/Phoenix
Mountain Standard Time=America/Denver
Central America Standard Time=America/Guatemala
Central Standard Time=America/Chicago
Central Standard Time (Mexico)=America/Mexico_City
Canada Central Standard Time=America/Regina
SA Pacific Standard Time=America/Bogota
Eastern Standard Time=America/New_York
US Eastern Standard Time=America/Indianapolis
Atlantic Standard Time=America/Halifax
SA Western Standard Time=America/La_Paz
Pacific SA Standard Time=America/Santiago
Newfoundland Standard Time=America/St_Johns
E. South America Standard Time=America/Sao_Paulo
Argentina Standard Time=America/Buenos_Aires
SA Eastern Standard Time=America/Cayenne
Azores Standard Time=Atlantic/Azores
UTC=UTC
GMT Standard Time=Europe/London
Greenwich Standard Time=Atlantic/Reykjavik
Morocco Standard Time=Africa/Casablanca
W. Europe Standard Time=Europe/Berlin
Central Europe Standard Time=Europe/Budapest
Romance Standard Time=Europe/Paris
Central European Standard Time=Europe/Warsaw
W. Central Africa Standard Time=Africa/Lagos
GTB Standard Time=Europe/Bucharest
E. Europe Standard Time=Europe/Chisinau
FLE Standard Time=Europe/Kiev
Egypt Standard Time=Africa/Cairo
South Africa Standard Time=Africa/Johannesburg
Israel Standard Time=Asia/Jerusalem
Turkey Standard Time=Europe/Istanbul
Russian Standard Time=Europe/Moscow
Arab Standard Time=Asia/Riyadh
Arabic Standard Time=Asia/Baghdad
E. Africa Standard Time=Africa/Nairobi
Iran Standard Time=Asia/Tehran
Arabian Standard Time=Asia/Dubai
Pakistan Standard Time=Asia/Karachi
India Standard Time=Asia/Calcutta
Nepal Standard Time=Asia/Katmandu
Bangladesh Standard Time=Asia/Dhaka
SE Asia Standard Time=Asia/Bangkok
China Standard Time=Asia/Shanghai
Singapore Standard Time=Asia/Singapore
Taipei Standard Time=Asia/Taipei
W. Australia Standard Time=Australia/Perth
Tokyo Standard Time=Asia/Tokyo
Korea Standard Time=Asia/Seoul
Cen. Australia Standard Time=Australia/Adelaide
AUS Central Standard Time=Australia/Darwin
E. Australia Standard Time=Australia/Brisbane
AUS Eastern Standard Time=Australia/Sydney
Tasmania Standard Time=Australia/Hobart
New Zealand Standard Time=Pacific/Auckland`
    .split('\n')
    .map(line => line.split('=') as [string, string]),
)

/** Null for a name that means no zone for certain. */
export function zoneOf(tzid: string): string | null {
  if (isTimeZone(tzid)) return tzid
  return windows.get(tzid) ?? zoneInPath(tzid)
}

/** `/mozilla.org/20050126_1/Europe/Berlin` and `/freeassociation.sourceforge.net/Tzfile/Europe/Berlin` end in the name. */
function zoneInPath(tzid: string): string | null {
  if (!tzid.startsWith('/')) return null
  const parts = tzid.split('/').slice(2, 10)
  const names = parts.map((_, i) => parts.slice(i).join('/'))
  return names.find(isTimeZone) ?? null
}
