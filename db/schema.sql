\restrict z1i3FPWF2rco7hAYZrsQIY4sCh7b7wB2NqEITnMvS1oiv93fXmOEe7eKuJiR7eq

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: btree_gin; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;


--
-- Name: EXTENSION btree_gin; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION btree_gin IS 'support for indexing common datatypes in GIN';


--
-- Name: calendar_kind; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.calendar_kind AS ENUM (
    'todo',
    'event'
);


--
-- Name: delivery_state; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.delivery_state AS ENUM (
    'pending',
    'delivered',
    'failed',
    'cancelled'
);


--
-- Name: delivery_type; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.delivery_type AS ENUM (
    'changes',
    'reminder',
    'test',
    'reset'
);


--
-- Name: task_priority; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.task_priority AS ENUM (
    'none',
    'low',
    'medium',
    'high'
);


--
-- Name: webhook_disabled_reason; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.webhook_disabled_reason AS ENUM (
    'user',
    'failing',
    'gone'
);


--
-- Name: folded(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.folded(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
begin
  if value ~ ('^[ -~]*$' collate "C") then
    value := btrim(lower(value collate "C"), ' ');
    return case when strpos(value, '  ') = 0 then value else regexp_replace(value, ' +' collate "C", ' ', 'g') end;
  end if;
  value := normalize(regexp_replace(value, '[\u0001-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+' collate "C", '', 'g'), NFD);
  value := lower(value collate "und-x-icu");
  if value ~ ('[\u00b5\u00df\u0149\u017f\u0345\u03c2\u03d0-\u03d1\u03d5-\u03d6\u03f0-\u03f1\u03f5\u0587\u1c80-\u1c88\u1e9a\ufb00-\ufb06\ufb13-\ufb17]' collate "C") then
    value := translate(value, 'µſͅςϐϑϕϖϰϱϵᲀᲁᲂᲃᲄᲅᲆᲇᲈ', 'μsισβθφπκρεвдосттъѣꙋ');
    value := replace(value, 'ß', 'ss');
    value := replace(value, 'ŉ', 'ʼn');
    value := replace(value, 'և', 'եւ');
    value := replace(value, 'ẚ', 'aʾ');
    value := replace(value, 'ﬀ', 'ff');
    value := replace(value, 'ﬁ', 'fi');
    value := replace(value, 'ﬂ', 'fl');
    value := replace(value, 'ﬃ', 'ffi');
    value := replace(value, 'ﬄ', 'ffl');
    value := replace(value, 'ﬅ', 'st');
    value := replace(value, 'ﬆ', 'st');
    value := replace(value, 'ﬓ', 'մն');
    value := replace(value, 'ﬔ', 'մե');
    value := replace(value, 'ﬕ', 'մի');
    value := replace(value, 'ﬖ', 'վն');
    value := replace(value, 'ﬗ', 'մխ');
  end if;
  -- Capital letters that are newer than the ICU of this database.
  if value ~ ('[\u00c6\u00d0\u00d8\u00de\u0110\u0126\u0132\u013f\u0141\u014a\u0152\u0166\u0181-\u0182\u0184\u0186-\u0187\u0189-\u018b\u018e-\u0191\u0193-\u0194\u0196-\u0198\u019c-\u019d\u019f\u01a2\u01a4\u01a6-\u01a7\u01a9\u01ac\u01ae\u01b1-\u01b3\u01b5\u01b7-\u01b8\u01bc\u01c4-\u01c5\u01c7-\u01c8\u01ca-\u01cb\u01e4\u01f1-\u01f2\u01f6-\u01f7\u021c\u0220\u0222\u0224\u023a-\u023b\u023d-\u023e\u0241\u0243-\u0246\u0248\u024a\u024c\u024e\u0370\u0372\u0376\u037f\u0391-\u03a1\u03a3-\u03a9\u03cf\u03d8\u03da\u03dc\u03de\u03e0\u03e2\u03e4\u03e6\u03e8\u03ea\u03ec\u03ee\u03f4\u03f7\u03f9-\u03fa\u03fd-\u03ff\u0402\u0404-\u0406\u0408-\u040b\u040f-\u0418\u041a-\u042f\u0460\u0462\u0464\u0466\u0468\u046a\u046c\u046e\u0470\u0472\u0474\u0478\u047a\u047c\u047e\u0480\u048a\u048c\u048e\u0490\u0492\u0494\u0496\u0498\u049a\u049c\u049e\u04a0\u04a2\u04a4\u04a6\u04a8\u04aa\u04ac\u04ae\u04b0\u04b2\u04b4\u04b6\u04b8\u04ba\u04bc\u04be\u04c0\u04c3\u04c5\u04c7\u04c9\u04cb\u04cd\u04d4\u04d8\u04e0\u04e8\u04f6\u04fa\u04fc\u04fe\u0500\u0502\u0504\u0506\u0508\u050a\u050c\u050e\u0510\u0512\u0514\u0516\u0518\u051a\u051c\u051e\u0520\u0522\u0524\u0526\u0528\u052a\u052c\u052e\u0531-\u0556\u10a0-\u10c5\u10c7\u10cd\u13a0-\u13f5\u1c89\u1c90-\u1cba\u1cbd-\u1cbf\u1efa\u1efc\u1efe\u2132\u2160-\u216f\u2183\u24b6-\u24cf\u2c00-\u2c2f\u2c60\u2c62-\u2c64\u2c67\u2c69\u2c6b\u2c6d-\u2c70\u2c72\u2c75\u2c7e-\u2c80\u2c82\u2c84\u2c86\u2c88\u2c8a\u2c8c\u2c8e\u2c90\u2c92\u2c94\u2c96\u2c98\u2c9a\u2c9c\u2c9e\u2ca0\u2ca2\u2ca4\u2ca6\u2ca8\u2caa\u2cac\u2cae\u2cb0\u2cb2\u2cb4\u2cb6\u2cb8\u2cba\u2cbc\u2cbe\u2cc0\u2cc2\u2cc4\u2cc6\u2cc8\u2cca\u2ccc\u2cce\u2cd0\u2cd2\u2cd4\u2cd6\u2cd8\u2cda\u2cdc\u2cde\u2ce0\u2ce2\u2ceb\u2ced\u2cf2\ua640\ua642\ua644\ua646\ua648\ua64a\ua64c\ua64e\ua650\ua652\ua654\ua656\ua658\ua65a\ua65c\ua65e\ua660\ua662\ua664\ua666\ua668\ua66a\ua66c\ua680\ua682\ua684\ua686\ua688\ua68a\ua68c\ua68e\ua690\ua692\ua694\ua696\ua698\ua69a\ua722\ua724\ua726\ua728\ua72a\ua72c\ua72e\ua732\ua734\ua736\ua738\ua73a\ua73c\ua73e\ua740\ua742\ua744\ua746\ua748\ua74a\ua74c\ua74e\ua750\ua752\ua754\ua756\ua758\ua75a\ua75c\ua75e\ua760\ua762\ua764\ua766\ua768\ua76a\ua76c\ua76e\ua779\ua77b\ua77d-\ua77e\ua780\ua782\ua784\ua786\ua78b\ua78d\ua790\ua792\ua796\ua798\ua79a\ua79c\ua79e\ua7a0\ua7a2\ua7a4\ua7a6\ua7a8\ua7aa-\ua7ae\ua7b0-\ua7b4\ua7b6\ua7b8\ua7ba\ua7bc\ua7be\ua7c0\ua7c2\ua7c4-\ua7c7\ua7c9\ua7cb-\ua7cc\ua7ce\ua7d0\ua7d2\ua7d4\ua7d6\ua7d8\ua7da\ua7dc\ua7f5\uff21-\uff3a\U00010400-\U00010427\U000104b0-\U000104d3\U00010570-\U0001057a\U0001057c-\U0001058a\U0001058c-\U00010592\U00010594-\U00010595\U00010c80-\U00010cb2\U00010d50-\U00010d65\U000118a0-\U000118bf\U00016e40-\U00016e5f\U00016ea0-\U00016eb8\U0001e900-\U0001e921]' collate "C") then
    value := translate(value, 'ÆÐØÞĐĦĲĿŁŊŒŦƁƂƄƆƇƉƊƋƎƏƐƑƓƔƖƗƘƜƝƟƢƤƦƧƩƬƮƱƲƳƵƷƸƼǄǅǇǈǊǋǤǱǲǶǷȜȠȢȤȺȻȽȾɁɃɄɅɆɈɊɌɎͰͲͶͿΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩϏϘϚϜϞϠϢϤϦϨϪϬϮϴϷϹϺϽϾϿЂЄЅІЈЉЊЋЏАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨӶӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖႠႡႢႣႤႥႦႧႨႩႪႫႬႭႮႯႰႱႲႳႴႵႶႷႸႹႺႻႼႽႾႿჀჁჂჃჄჅჇჍᎠᎡᎢᎣᎤᎥᎦᎧᎨᎩᎪᎫᎬᎭᎮᎯᎰᎱᎲᎳᎴᎵᎶᎷᎸᎹᎺᎻᎼᎽᎾᎿᏀᏁᏂᏃᏄᏅᏆᏇᏈᏉᏊᏋᏌᏍᏎᏏᏐᏑᏒᏓᏔᏕᏖᏗᏘᏙᏚᏛᏜᏝᏞᏟᏠᏡᏢᏣᏤᏥᏦᏧᏨᏩᏪᏫᏬᏭᏮᏯᏰᏱᏲᏳᏴᏵᲉᲐᲑᲒᲓᲔᲕᲖᲗᲘᲙᲚᲛᲜᲝᲞᲟᲠᲡᲢᲣᲤᲥᲦᲧᲨᲩᲪᲫᲬᲭᲮᲯᲰᲱᲲᲳᲴᲵᲶᲷᲸᲹᲺᲽᲾᲿỺỼỾℲⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫⅬⅭⅮⅯↃⒶⒷⒸⒹⒺⒻⒼⒽⒾⒿⓀⓁⓂⓃⓄⓅⓆⓇⓈⓉⓊⓋⓌⓍⓎⓏⰀⰁⰂⰃⰄⰅⰆⰇⰈⰉⰊⰋⰌⰍⰎⰏⰐⰑⰒⰓⰔⰕⰖⰗⰘⰙⰚⰛⰜⰝⰞⰟⰠⰡⰢⰣⰤⰥⰦⰧⰨⰩⰪⰫⰬⰭⰮⰯⱠⱢⱣⱤⱧⱩⱫⱭⱮⱯⱰⱲⱵⱾⱿⲀⲂⲄⲆⲈⲊⲌⲎⲐⲒⲔⲖⲘⲚⲜⲞⲠⲢⲤⲦⲨⲪⲬⲮⲰⲲⲴⲶⲸⲺⲼⲾⳀⳂⳄⳆⳈⳊⳌⳎⳐⳒⳔⳖⳘⳚⳜⳞⳠⳢⳫⳭⳲꙀꙂꙄꙆꙈꙊꙌꙎꙐꙒꙔꙖꙘꙚꙜꙞꙠꙢꙤꙦꙨꙪꙬꚀꚂꚄꚆꚈꚊꚌꚎꚐꚒꚔꚖꚘꚚꜢꜤꜦꜨꜪꜬꜮꜲꜴꜶꜸꜺꜼꜾꝀꝂꝄꝆꝈꝊꝌꝎꝐꝒꝔꝖꝘꝚꝜꝞꝠꝢꝤꝦꝨꝪꝬꝮꝹꝻꝽꝾꞀꞂꞄꞆꞋꞍꞐꞒꞖꞘꞚꞜꞞꞠꞢꞤꞦꞨꞪꞫꞬꞭꞮꞰꞱꞲꞳꞴꞶꞸꞺꞼꞾꟀꟂꟄꟅꟆꟇꟉꟋꟌ꟎Ꟑ꟒꟔ꟖꟘꟚꟜꟵＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ𐐀𐐁𐐂𐐃𐐄𐐅𐐆𐐇𐐈𐐉𐐊𐐋𐐌𐐍𐐎𐐏𐐐𐐑𐐒𐐓𐐔𐐕𐐖𐐗𐐘𐐙𐐚𐐛𐐜𐐝𐐞𐐟𐐠𐐡𐐢𐐣𐐤𐐥𐐦𐐧𐒰𐒱𐒲𐒳𐒴𐒵𐒶𐒷𐒸𐒹𐒺𐒻𐒼𐒽𐒾𐒿𐓀𐓁𐓂𐓃𐓄𐓅𐓆𐓇𐓈𐓉𐓊𐓋𐓌𐓍𐓎𐓏𐓐𐓑𐓒𐓓𐕰𐕱𐕲𐕳𐕴𐕵𐕶𐕷𐕸𐕹𐕺𐕼𐕽𐕾𐕿𐖀𐖁𐖂𐖃𐖄𐖅𐖆𐖇𐖈𐖉𐖊𐖌𐖍𐖎𐖏𐖐𐖑𐖒𐖔𐖕𐲀𐲁𐲂𐲃𐲄𐲅𐲆𐲇𐲈𐲉𐲊𐲋𐲌𐲍𐲎𐲏𐲐𐲑𐲒𐲓𐲔𐲕𐲖𐲗𐲘𐲙𐲚𐲛𐲜𐲝𐲞𐲟𐲠𐲡𐲢𐲣𐲤𐲥𐲦𐲧𐲨𐲩𐲪𐲫𐲬𐲭𐲮𐲯𐲰𐲱𐲲𐵐𐵑𐵒𐵓𐵔𐵕𐵖𐵗𐵘𐵙𐵚𐵛𐵜𐵝𐵞𐵟𐵠𐵡𐵢𐵣𐵤𐵥𑢠𑢡𑢢𑢣𑢤𑢥𑢦𑢧𑢨𑢩𑢪𑢫𑢬𑢭𑢮𑢯𑢰𑢱𑢲𑢳𑢴𑢵𑢶𑢷𑢸𑢹𑢺𑢻𑢼𑢽𑢾𑢿𖹀𖹁𖹂𖹃𖹄𖹅𖹆𖹇𖹈𖹉𖹊𖹋𖹌𖹍𖹎𖹏𖹐𖹑𖹒𖹓𖹔𖹕𖹖𖹗𖹘𖹙𖹚𖹛𖹜𖹝𖹞𖹟𖺠𖺡𖺢𖺣𖺤𖺥𖺦𖺧𖺨𖺩𖺪𖺫𖺬𖺭𖺮𖺯𖺰𖺱𖺲𖺳𖺴𖺵𖺶𖺷𖺸𞤀𞤁𞤂𞤃𞤄𞤅𞤆𞤇𞤈𞤉𞤊𞤋𞤌𞤍𞤎𞤏𞤐𞤑𞤒𞤓𞤔𞤕𞤖𞤗𞤘𞤙𞤚𞤛𞤜𞤝𞤞𞤟𞤠𞤡', 'æðøþđħĳŀłŋœŧɓƃƅɔƈɖɗƌǝəɛƒɠɣɩɨƙɯɲɵƣƥʀƨʃƭʈʊʋƴƶʒƹƽǆǆǉǉǌǌǥǳǳƕƿȝƞȣȥⱥȼƚⱦɂƀʉʌɇɉɋɍɏͱͳͷϳαβγδεζηθικλμνξοπρστυφχψωϗϙϛϝϟϡϣϥϧϩϫϭϯθϸϲϻͻͼͽђєѕіјљњћџабвгдежзиклмнопрстуфхцчшщъыьэюяѡѣѥѧѩѫѭѯѱѳѵѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӄӆӈӊӌӎӕәӡөӷӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆⴀⴁⴂⴃⴄⴅⴆⴇⴈⴉⴊⴋⴌⴍⴎⴏⴐⴑⴒⴓⴔⴕⴖⴗⴘⴙⴚⴛⴜⴝⴞⴟⴠⴡⴢⴣⴤⴥⴧⴭꭰꭱꭲꭳꭴꭵꭶꭷꭸꭹꭺꭻꭼꭽꭾꭿꮀꮁꮂꮃꮄꮅꮆꮇꮈꮉꮊꮋꮌꮍꮎꮏꮐꮑꮒꮓꮔꮕꮖꮗꮘꮙꮚꮛꮜꮝꮞꮟꮠꮡꮢꮣꮤꮥꮦꮧꮨꮩꮪꮫꮬꮭꮮꮯꮰꮱꮲꮳꮴꮵꮶꮷꮸꮹꮺꮻꮼꮽꮾꮿᏸᏹᏺᏻᏼᏽᲊაბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰჱჲჳჴჵჶჷჸჹჺჽჾჿỻỽỿⅎⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅺⅻⅼⅽⅾⅿↄⓐⓑⓒⓓⓔⓕⓖⓗⓘⓙⓚⓛⓜⓝⓞⓟⓠⓡⓢⓣⓤⓥⓦⓧⓨⓩⰰⰱⰲⰳⰴⰵⰶⰷⰸⰹⰺⰻⰼⰽⰾⰿⱀⱁⱂⱃⱄⱅⱆⱇⱈⱉⱊⱋⱌⱍⱎⱏⱐⱑⱒⱓⱔⱕⱖⱗⱘⱙⱚⱛⱜⱝⱞⱟⱡɫᵽɽⱨⱪⱬɑɱɐɒⱳⱶȿɀⲁⲃⲅⲇⲉⲋⲍⲏⲑⲓⲕⲗⲙⲛⲝⲟⲡⲣⲥⲧⲩⲫⲭⲯⲱⲳⲵⲷⲹⲻⲽⲿⳁⳃⳅⳇⳉⳋⳍⳏⳑⳓⳕⳗⳙⳛⳝⳟⳡⳣⳬⳮⳳꙁꙃꙅꙇꙉꙋꙍꙏꙑꙓꙕꙗꙙꙛꙝꙟꙡꙣꙥꙧꙩꙫꙭꚁꚃꚅꚇꚉꚋꚍꚏꚑꚓꚕꚗꚙꚛꜣꜥꜧꜩꜫꜭꜯꜳꜵꜷꜹꜻꜽꜿꝁꝃꝅꝇꝉꝋꝍꝏꝑꝓꝕꝗꝙꝛꝝꝟꝡꝣꝥꝧꝩꝫꝭꝯꝺꝼᵹꝿꞁꞃꞅꞇꞌɥꞑꞓꞗꞙꞛꞝꞟꞡꞣꞥꞧꞩɦɜɡɬɪʞʇʝꭓꞵꞷꞹꞻꞽꞿꟁꟃꞔʂᶎꟈꟊɤꟍ꟏ꟑꟓꟕꟗꟙꟛƛꟶａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ𐐨𐐩𐐪𐐫𐐬𐐭𐐮𐐯𐐰𐐱𐐲𐐳𐐴𐐵𐐶𐐷𐐸𐐹𐐺𐐻𐐼𐐽𐐾𐐿𐑀𐑁𐑂𐑃𐑄𐑅𐑆𐑇𐑈𐑉𐑊𐑋𐑌𐑍𐑎𐑏𐓘𐓙𐓚𐓛𐓜𐓝𐓞𐓟𐓠𐓡𐓢𐓣𐓤𐓥𐓦𐓧𐓨𐓩𐓪𐓫𐓬𐓭𐓮𐓯𐓰𐓱𐓲𐓳𐓴𐓵𐓶𐓷𐓸𐓹𐓺𐓻𐖗𐖘𐖙𐖚𐖛𐖜𐖝𐖞𐖟𐖠𐖡𐖣𐖤𐖥𐖦𐖧𐖨𐖩𐖪𐖫𐖬𐖭𐖮𐖯𐖰𐖱𐖳𐖴𐖵𐖶𐖷𐖸𐖹𐖻𐖼𐳀𐳁𐳂𐳃𐳄𐳅𐳆𐳇𐳈𐳉𐳊𐳋𐳌𐳍𐳎𐳏𐳐𐳑𐳒𐳓𐳔𐳕𐳖𐳗𐳘𐳙𐳚𐳛𐳜𐳝𐳞𐳟𐳠𐳡𐳢𐳣𐳤𐳥𐳦𐳧𐳨𐳩𐳪𐳫𐳬𐳭𐳮𐳯𐳰𐳱𐳲𐵰𐵱𐵲𐵳𐵴𐵵𐵶𐵷𐵸𐵹𐵺𐵻𐵼𐵽𐵾𐵿𐶀𐶁𐶂𐶃𐶄𐶅𑣀𑣁𑣂𑣃𑣄𑣅𑣆𑣇𑣈𑣉𑣊𑣋𑣌𑣍𑣎𑣏𑣐𑣑𑣒𑣓𑣔𑣕𑣖𑣗𑣘𑣙𑣚𑣛𑣜𑣝𑣞𑣟𖹠𖹡𖹢𖹣𖹤𖹥𖹦𖹧𖹨𖹩𖹪𖹫𖹬𖹭𖹮𖹯𖹰𖹱𖹲𖹳𖹴𖹵𖹶𖹷𖹸𖹹𖹺𖹻𖹼𖹽𖹾𖹿𖺻𖺼𖺽𖺾𖺿𖻀𖻁𖻂𖻃𖻄𖻅𖻆𖻇𖻈𖻉𖻊𖻋𖻌𖻍𖻎𖻏𖻐𖻑𖻒𖻓𞤢𞤣𞤤𞤥𞤦𞤧𞤨𞤩𞤪𞤫𞤬𞤭𞤮𞤯𞤰𞤱𞤲𞤳𞤴𞤵𞤶𞤷𞤸𞤹𞤺𞤻𞤼𞤽𞤾𞤿𞥀𞥁𞥂𞥃');
  end if;
  return normalize(btrim(regexp_replace(value, '[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028-\u2029\u202f\u205f\u2800\u3000]+' collate "C", ' ', 'g'), ' '), NFC);
end
$_$;


--
-- Name: folded_all(text[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.folded_all(list text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
  result text[] := '{}';
  each text;
begin
  foreach each in array list loop
    result := result || public.folded(each); -- pg_restore has no search path
  end loop;
  return result;
end
$$;


--
-- Name: instant_of(timestamp without time zone, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.instant_of(wall_clock timestamp without time zone, zone text) RETURNS timestamp with time zone
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
begin
  return wall_clock at time zone zone;
exception when invalid_parameter_value then
  return wall_clock at time zone 'UTC';
end
$$;


--
-- Name: is_visible(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.is_visible(value text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
begin
  return ascii(value) between 33 and 126 or value ~ ('[^\u0001-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028-\u2029\u202f\u205f\u2800\u3000]' collate "C");
end
$$;


--
-- Name: labels_fit(text[], integer); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.labels_fit(labels text[], longest integer) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
  label text;
begin
  foreach label in array labels loop
    if char_length(label) not between 1 and longest then
      return false;
    end if;
  end loop;
  return true;
end
$$;


--
-- Name: reminder_edge(jsonb, timestamp without time zone, boolean); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.reminder_edge(reminders jsonb, due timestamp without time zone, is_last boolean) RETURNS timestamp without time zone
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
begin
  return (
    select case when is_last then max(wall_clock) else min(wall_clock) end
    from jsonb_array_elements(reminders) as each (reminder),
      lateral (select coalesce(
        (reminder ->> 'at')::timestamptz at time zone 'UTC',
        due - make_interval(mins => (reminder ->> 'minutesBefore')::integer))) as time (wall_clock));
end
$$;


--
-- Name: search_query(text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.search_query(owner text, value text) RETURNS tsquery
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
declare
  key text := lpad(to_hex(hashtext(owner)), 8, '0');
  words text[];
begin
  if octet_length(value) > length(value) and value ~ ('[\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]' collate "C") then
    -- The pairs from the second character of a run on, and then those from the first.
    value := regexp_replace(' ' || value, ' [\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]' collate "C", ' ', 'g') || ' ' || value;
    value := regexp_replace(value, '[\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]{2}' collate "C", '\& ', 'g');
    value := btrim(regexp_replace(value, ' +' collate "C", ' ', 'g'), ' ');
  end if;
  words := string_to_array(value, ' ');
  return (
    select coalesce(string_agg(
      '''' || key || left(word, 255) || ''''
        || case when place = cardinality(words) or word ~ ('^[\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]$' collate "C") then ':*' else '' end, ' & '), '')::tsquery
    from unnest(words) with ordinality as each (word, place));
end
$_$;


--
-- Name: search_text(text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.search_text(value text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $_$
begin
  if value ~ ('^[\t-\r -~]*$' collate "C") then
    return btrim(regexp_replace(lower(value collate "C"), '[^a-z0-9]+' collate "C", ' ', 'g'), ' ');
  end if;
  value := normalize(regexp_replace(value, '[\u0001-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]+' collate "C", '', 'g'), NFKD);
  value := lower(value collate "und-x-icu");
  value := regexp_replace(value, '[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1-\u05c2\u05c4-\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7-\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u07fa\u0897-\u089f\u08ca-\u08ff\u0951-\u0954\u1ab0-\u1aeb\u1cd0-\u1cd2\u1cd4-\u1ce0\u1ce2-\u1ce8\u1ced\u1cf4\u1cf8-\u1cf9\u1dc0-\u1dff\u20d0-\u20f0\u2cef-\u2cf1\u2de0-\u2dff\u302a-\u302d\ua66f-\ua672\ua674-\ua67d\ua69e-\ua69f\ufb1e\ufe20-\ufe2f\U000101fd\U000102e0\U00010efa-\U00010eff\U0001133b\U0001cf00-\U0001cf46\U0001d167-\U0001d169\U0001d17b-\U0001d182\U0001d185-\U0001d18b\U0001d1aa-\U0001d1ad\U0001e08f]+' collate "C", '', 'g');
  if value ~ ('[\u00df\u00e6\u00f8\u0111\u0127\u0131\u0142\u0153\u0167\u0345\u03c2\u1c80-\u1c88]' collate "C") then
    value := translate(value, 'ͅςᲀᲁᲂᲃᲄᲅᲆᲇᲈıøđłħŧ', 'ισвдосттъѣꙋiodlht');
    value := replace(value, 'ß', 'ss');
    value := replace(value, 'æ', 'ae');
    value := replace(value, 'œ', 'oe');
  end if;
  -- Capital letters that are newer than the ICU of this database.
  if value ~ ('[\u00c6\u00d0\u00d8\u00de\u0110\u0126\u0141\u014a\u0152\u0166\u0181-\u0182\u0184\u0186-\u0187\u0189-\u018b\u018e-\u0191\u0193-\u0194\u0196-\u0198\u019c-\u019d\u019f\u01a2\u01a4\u01a6-\u01a7\u01a9\u01ac\u01ae\u01b1-\u01b3\u01b5\u01b7-\u01b8\u01bc\u01e4\u01f6-\u01f7\u021c\u0220\u0222\u0224\u023a-\u023b\u023d-\u023e\u0241\u0243-\u0246\u0248\u024a\u024c\u024e\u0370\u0372\u0376\u037f\u0391-\u03a1\u03a3-\u03a9\u03cf\u03d8\u03da\u03dc\u03de\u03e0\u03e2\u03e4\u03e6\u03e8\u03ea\u03ec\u03ee\u03f7\u03fa\u03fd-\u03ff\u0402\u0404-\u0406\u0408-\u040b\u040f-\u0418\u041a-\u042f\u0460\u0462\u0464\u0466\u0468\u046a\u046c\u046e\u0470\u0472\u0474\u0478\u047a\u047c\u047e\u0480\u048a\u048c\u048e\u0490\u0492\u0494\u0496\u0498\u049a\u049c\u049e\u04a0\u04a2\u04a4\u04a6\u04a8\u04aa\u04ac\u04ae\u04b0\u04b2\u04b4\u04b6\u04b8\u04ba\u04bc\u04be\u04c0\u04c3\u04c5\u04c7\u04c9\u04cb\u04cd\u04d4\u04d8\u04e0\u04e8\u04f6\u04fa\u04fc\u04fe\u0500\u0502\u0504\u0506\u0508\u050a\u050c\u050e\u0510\u0512\u0514\u0516\u0518\u051a\u051c\u051e\u0520\u0522\u0524\u0526\u0528\u052a\u052c\u052e\u0531-\u0556\u10a0-\u10c5\u10c7\u10cd\u13a0-\u13f5\u1c89\u1c90-\u1cba\u1cbd-\u1cbf\u1efa\u1efc\u1efe\u2132\u2183\u2c00-\u2c2f\u2c60\u2c62-\u2c64\u2c67\u2c69\u2c6b\u2c6d-\u2c70\u2c72\u2c75\u2c7e-\u2c80\u2c82\u2c84\u2c86\u2c88\u2c8a\u2c8c\u2c8e\u2c90\u2c92\u2c94\u2c96\u2c98\u2c9a\u2c9c\u2c9e\u2ca0\u2ca2\u2ca4\u2ca6\u2ca8\u2caa\u2cac\u2cae\u2cb0\u2cb2\u2cb4\u2cb6\u2cb8\u2cba\u2cbc\u2cbe\u2cc0\u2cc2\u2cc4\u2cc6\u2cc8\u2cca\u2ccc\u2cce\u2cd0\u2cd2\u2cd4\u2cd6\u2cd8\u2cda\u2cdc\u2cde\u2ce0\u2ce2\u2ceb\u2ced\u2cf2\ua640\ua642\ua644\ua646\ua648\ua64a\ua64c\ua64e\ua650\ua652\ua654\ua656\ua658\ua65a\ua65c\ua65e\ua660\ua662\ua664\ua666\ua668\ua66a\ua66c\ua680\ua682\ua684\ua686\ua688\ua68a\ua68c\ua68e\ua690\ua692\ua694\ua696\ua698\ua69a\ua722\ua724\ua726\ua728\ua72a\ua72c\ua72e\ua732\ua734\ua736\ua738\ua73a\ua73c\ua73e\ua740\ua742\ua744\ua746\ua748\ua74a\ua74c\ua74e\ua750\ua752\ua754\ua756\ua758\ua75a\ua75c\ua75e\ua760\ua762\ua764\ua766\ua768\ua76a\ua76c\ua76e\ua779\ua77b\ua77d-\ua77e\ua780\ua782\ua784\ua786\ua78b\ua78d\ua790\ua792\ua796\ua798\ua79a\ua79c\ua79e\ua7a0\ua7a2\ua7a4\ua7a6\ua7a8\ua7aa-\ua7ae\ua7b0-\ua7b4\ua7b6\ua7b8\ua7ba\ua7bc\ua7be\ua7c0\ua7c2\ua7c4-\ua7c7\ua7c9\ua7cb-\ua7cc\ua7ce\ua7d0\ua7d2\ua7d4\ua7d6\ua7d8\ua7da\ua7dc\ua7f5\U00010400-\U00010427\U000104b0-\U000104d3\U00010570-\U0001057a\U0001057c-\U0001058a\U0001058c-\U00010592\U00010594-\U00010595\U00010c80-\U00010cb2\U00010d50-\U00010d65\U000118a0-\U000118bf\U00016e40-\U00016e5f\U00016ea0-\U00016eb8\U0001e900-\U0001e921]' collate "C") then
    value := translate(value, 'ÆÐØÞĐĦŁŊŒŦƁƂƄƆƇƉƊƋƎƏƐƑƓƔƖƗƘƜƝƟƢƤƦƧƩƬƮƱƲƳƵƷƸƼǤǶǷȜȠȢȤȺȻȽȾɁɃɄɅɆɈɊɌɎͰͲͶͿΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩϏϘϚϜϞϠϢϤϦϨϪϬϮϷϺϽϾϿЂЄЅІЈЉЊЋЏАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨҪҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨӶӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖႠႡႢႣႤႥႦႧႨႩႪႫႬႭႮႯႰႱႲႳႴႵႶႷႸႹႺႻႼႽႾႿჀჁჂჃჄჅჇჍᎠᎡᎢᎣᎤᎥᎦᎧᎨᎩᎪᎫᎬᎭᎮᎯᎰᎱᎲᎳᎴᎵᎶᎷᎸᎹᎺᎻᎼᎽᎾᎿᏀᏁᏂᏃᏄᏅᏆᏇᏈᏉᏊᏋᏌᏍᏎᏏᏐᏑᏒᏓᏔᏕᏖᏗᏘᏙᏚᏛᏜᏝᏞᏟᏠᏡᏢᏣᏤᏥᏦᏧᏨᏩᏪᏫᏬᏭᏮᏯᏰᏱᏲᏳᏴᏵᲉᲐᲑᲒᲓᲔᲕᲖᲗᲘᲙᲚᲛᲜᲝᲞᲟᲠᲡᲢᲣᲤᲥᲦᲧᲨᲩᲪᲫᲬᲭᲮᲯᲰᲱᲲᲳᲴᲵᲶᲷᲸᲹᲺᲽᲾᲿỺỼỾℲↃⰀⰁⰂⰃⰄⰅⰆⰇⰈⰉⰊⰋⰌⰍⰎⰏⰐⰑⰒⰓⰔⰕⰖⰗⰘⰙⰚⰛⰜⰝⰞⰟⰠⰡⰢⰣⰤⰥⰦⰧⰨⰩⰪⰫⰬⰭⰮⰯⱠⱢⱣⱤⱧⱩⱫⱭⱮⱯⱰⱲⱵⱾⱿⲀⲂⲄⲆⲈⲊⲌⲎⲐⲒⲔⲖⲘⲚⲜⲞⲠⲢⲤⲦⲨⲪⲬⲮⲰⲲⲴⲶⲸⲺⲼⲾⳀⳂⳄⳆⳈⳊⳌⳎⳐⳒⳔⳖⳘⳚⳜⳞⳠⳢⳫⳭⳲꙀꙂꙄꙆꙈꙊꙌꙎꙐꙒꙔꙖꙘꙚꙜꙞꙠꙢꙤꙦꙨꙪꙬꚀꚂꚄꚆꚈꚊꚌꚎꚐꚒꚔꚖꚘꚚꜢꜤꜦꜨꜪꜬꜮꜲꜴꜶꜸꜺꜼꜾꝀꝂꝄꝆꝈꝊꝌꝎꝐꝒꝔꝖꝘꝚꝜꝞꝠꝢꝤꝦꝨꝪꝬꝮꝹꝻꝽꝾꞀꞂꞄꞆꞋꞍꞐꞒꞖꞘꞚꞜꞞꞠꞢꞤꞦꞨꞪꞫꞬꞭꞮꞰꞱꞲꞳꞴꞶꞸꞺꞼꞾꟀꟂꟄꟅꟆꟇꟉꟋꟌ꟎Ꟑ꟒꟔ꟖꟘꟚꟜꟵ𐐀𐐁𐐂𐐃𐐄𐐅𐐆𐐇𐐈𐐉𐐊𐐋𐐌𐐍𐐎𐐏𐐐𐐑𐐒𐐓𐐔𐐕𐐖𐐗𐐘𐐙𐐚𐐛𐐜𐐝𐐞𐐟𐐠𐐡𐐢𐐣𐐤𐐥𐐦𐐧𐒰𐒱𐒲𐒳𐒴𐒵𐒶𐒷𐒸𐒹𐒺𐒻𐒼𐒽𐒾𐒿𐓀𐓁𐓂𐓃𐓄𐓅𐓆𐓇𐓈𐓉𐓊𐓋𐓌𐓍𐓎𐓏𐓐𐓑𐓒𐓓𐕰𐕱𐕲𐕳𐕴𐕵𐕶𐕷𐕸𐕹𐕺𐕼𐕽𐕾𐕿𐖀𐖁𐖂𐖃𐖄𐖅𐖆𐖇𐖈𐖉𐖊𐖌𐖍𐖎𐖏𐖐𐖑𐖒𐖔𐖕𐲀𐲁𐲂𐲃𐲄𐲅𐲆𐲇𐲈𐲉𐲊𐲋𐲌𐲍𐲎𐲏𐲐𐲑𐲒𐲓𐲔𐲕𐲖𐲗𐲘𐲙𐲚𐲛𐲜𐲝𐲞𐲟𐲠𐲡𐲢𐲣𐲤𐲥𐲦𐲧𐲨𐲩𐲪𐲫𐲬𐲭𐲮𐲯𐲰𐲱𐲲𐵐𐵑𐵒𐵓𐵔𐵕𐵖𐵗𐵘𐵙𐵚𐵛𐵜𐵝𐵞𐵟𐵠𐵡𐵢𐵣𐵤𐵥𑢠𑢡𑢢𑢣𑢤𑢥𑢦𑢧𑢨𑢩𑢪𑢫𑢬𑢭𑢮𑢯𑢰𑢱𑢲𑢳𑢴𑢵𑢶𑢷𑢸𑢹𑢺𑢻𑢼𑢽𑢾𑢿𖹀𖹁𖹂𖹃𖹄𖹅𖹆𖹇𖹈𖹉𖹊𖹋𖹌𖹍𖹎𖹏𖹐𖹑𖹒𖹓𖹔𖹕𖹖𖹗𖹘𖹙𖹚𖹛𖹜𖹝𖹞𖹟𖺠𖺡𖺢𖺣𖺤𖺥𖺦𖺧𖺨𖺩𖺪𖺫𖺬𖺭𖺮𖺯𖺰𖺱𖺲𖺳𖺴𖺵𖺶𖺷𖺸𞤀𞤁𞤂𞤃𞤄𞤅𞤆𞤇𞤈𞤉𞤊𞤋𞤌𞤍𞤎𞤏𞤐𞤑𞤒𞤓𞤔𞤕𞤖𞤗𞤘𞤙𞤚𞤛𞤜𞤝𞤞𞤟𞤠𞤡', 'æðøþđħłŋœŧɓƃƅɔƈɖɗƌǝəɛƒɠɣɩɨƙɯɲɵƣƥʀƨʃƭʈʊʋƴƶʒƹƽǥƕƿȝƞȣȥⱥȼƚⱦɂƀʉʌɇɉɋɍɏͱͳͷϳαβγδεζηθικλμνξοπρστυφχψωϗϙϛϝϟϡϣϥϧϩϫϭϯϸϻͻͼͽђєѕіјљњћџабвгдежзиклмнопрстуфхцчшщъыьэюяѡѣѥѧѩѫѭѯѱѳѵѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩҫҭүұҳҵҷҹһҽҿӏӄӆӈӊӌӎӕәӡөӷӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆⴀⴁⴂⴃⴄⴅⴆⴇⴈⴉⴊⴋⴌⴍⴎⴏⴐⴑⴒⴓⴔⴕⴖⴗⴘⴙⴚⴛⴜⴝⴞⴟⴠⴡⴢⴣⴤⴥⴧⴭꭰꭱꭲꭳꭴꭵꭶꭷꭸꭹꭺꭻꭼꭽꭾꭿꮀꮁꮂꮃꮄꮅꮆꮇꮈꮉꮊꮋꮌꮍꮎꮏꮐꮑꮒꮓꮔꮕꮖꮗꮘꮙꮚꮛꮜꮝꮞꮟꮠꮡꮢꮣꮤꮥꮦꮧꮨꮩꮪꮫꮬꮭꮮꮯꮰꮱꮲꮳꮴꮵꮶꮷꮸꮹꮺꮻꮼꮽꮾꮿᏸᏹᏺᏻᏼᏽᲊაბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰჱჲჳჴჵჶჷჸჹჺჽჾჿỻỽỿⅎↄⰰⰱⰲⰳⰴⰵⰶⰷⰸⰹⰺⰻⰼⰽⰾⰿⱀⱁⱂⱃⱄⱅⱆⱇⱈⱉⱊⱋⱌⱍⱎⱏⱐⱑⱒⱓⱔⱕⱖⱗⱘⱙⱚⱛⱜⱝⱞⱟⱡɫᵽɽⱨⱪⱬɑɱɐɒⱳⱶȿɀⲁⲃⲅⲇⲉⲋⲍⲏⲑⲓⲕⲗⲙⲛⲝⲟⲡⲣⲥⲧⲩⲫⲭⲯⲱⲳⲵⲷⲹⲻⲽⲿⳁⳃⳅⳇⳉⳋⳍⳏⳑⳓⳕⳗⳙⳛⳝⳟⳡⳣⳬⳮⳳꙁꙃꙅꙇꙉꙋꙍꙏꙑꙓꙕꙗꙙꙛꙝꙟꙡꙣꙥꙧꙩꙫꙭꚁꚃꚅꚇꚉꚋꚍꚏꚑꚓꚕꚗꚙꚛꜣꜥꜧꜩꜫꜭꜯꜳꜵꜷꜹꜻꜽꜿꝁꝃꝅꝇꝉꝋꝍꝏꝑꝓꝕꝗꝙꝛꝝꝟꝡꝣꝥꝧꝩꝫꝭꝯꝺꝼᵹꝿꞁꞃꞅꞇꞌɥꞑꞓꞗꞙꞛꞝꞟꞡꞣꞥꞧꞩɦɜɡɬɪʞʇʝꭓꞵꞷꞹꞻꞽꞿꟁꟃꞔʂᶎꟈꟊɤꟍ꟏ꟑꟓꟕꟗꟙꟛƛꟶ𐐨𐐩𐐪𐐫𐐬𐐭𐐮𐐯𐐰𐐱𐐲𐐳𐐴𐐵𐐶𐐷𐐸𐐹𐐺𐐻𐐼𐐽𐐾𐐿𐑀𐑁𐑂𐑃𐑄𐑅𐑆𐑇𐑈𐑉𐑊𐑋𐑌𐑍𐑎𐑏𐓘𐓙𐓚𐓛𐓜𐓝𐓞𐓟𐓠𐓡𐓢𐓣𐓤𐓥𐓦𐓧𐓨𐓩𐓪𐓫𐓬𐓭𐓮𐓯𐓰𐓱𐓲𐓳𐓴𐓵𐓶𐓷𐓸𐓹𐓺𐓻𐖗𐖘𐖙𐖚𐖛𐖜𐖝𐖞𐖟𐖠𐖡𐖣𐖤𐖥𐖦𐖧𐖨𐖩𐖪𐖫𐖬𐖭𐖮𐖯𐖰𐖱𐖳𐖴𐖵𐖶𐖷𐖸𐖹𐖻𐖼𐳀𐳁𐳂𐳃𐳄𐳅𐳆𐳇𐳈𐳉𐳊𐳋𐳌𐳍𐳎𐳏𐳐𐳑𐳒𐳓𐳔𐳕𐳖𐳗𐳘𐳙𐳚𐳛𐳜𐳝𐳞𐳟𐳠𐳡𐳢𐳣𐳤𐳥𐳦𐳧𐳨𐳩𐳪𐳫𐳬𐳭𐳮𐳯𐳰𐳱𐳲𐵰𐵱𐵲𐵳𐵴𐵵𐵶𐵷𐵸𐵹𐵺𐵻𐵼𐵽𐵾𐵿𐶀𐶁𐶂𐶃𐶄𐶅𑣀𑣁𑣂𑣃𑣄𑣅𑣆𑣇𑣈𑣉𑣊𑣋𑣌𑣍𑣎𑣏𑣐𑣑𑣒𑣓𑣔𑣕𑣖𑣗𑣘𑣙𑣚𑣛𑣜𑣝𑣞𑣟𖹠𖹡𖹢𖹣𖹤𖹥𖹦𖹧𖹨𖹩𖹪𖹫𖹬𖹭𖹮𖹯𖹰𖹱𖹲𖹳𖹴𖹵𖹶𖹷𖹸𖹹𖹺𖹻𖹼𖹽𖹾𖹿𖺻𖺼𖺽𖺾𖺿𖻀𖻁𖻂𖻃𖻄𖻅𖻆𖻇𖻈𖻉𖻊𖻋𖻌𖻍𖻎𖻏𖻐𖻑𖻒𖻓𞤢𞤣𞤤𞤥𞤦𞤧𞤨𞤩𞤪𞤫𞤬𞤭𞤮𞤯𞤰𞤱𞤲𞤳𞤴𞤵𞤶𞤷𞤸𞤹𞤺𞤻𞤼𞤽𞤾𞤿𞥀𞥁𞥂𞥃');
  end if;
  value := normalize(regexp_replace(value, '[\u0009-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u00d7\u00f7\u02b9-\u02bf\u02c2-\u02c5\u02d2-\u02eb\u02ed\u02ef-\u02ff\u0375\u03f6\u0482\u055a-\u055f\u0589-\u058f\u05be\u05c0\u05c3\u05c6\u05f3-\u060f\u061b-\u061f\u066a-\u066d\u06d4\u06de\u06e9\u06fd-\u06fe\u0700-\u070d\u07f6-\u07f9\u07fe-\u07ff\u0830-\u083e\u085e\u0888\u0964-\u0965\u0970\u09f2-\u09f3\u09fa-\u09fb\u09fd\u0a76\u0af0-\u0af1\u0b70\u0bf3-\u0bfa\u0c77\u0c7f\u0c84\u0d4f\u0d79\u0df4\u0e3f\u0e4f\u0e5a-\u0e5b\u0f01-\u0f17\u0f1a-\u0f1f\u0f34\u0f36\u0f38\u0f3a-\u0f3d\u0f85\u0fbe-\u0fc5\u0fc7-\u0fda\u104a-\u104f\u109e-\u109f\u10fb\u1360-\u1368\u1390-\u1399\u1400\u166d-\u166e\u1680\u169b-\u169c\u16eb-\u16ed\u1735-\u1736\u17d4-\u17d6\u17d8-\u17db\u1800-\u180a\u1940-\u1945\u19de-\u19ff\u1a1e-\u1a1f\u1aa0-\u1aa6\u1aa8-\u1aad\u1b4e-\u1b4f\u1b5a-\u1b6a\u1b74-\u1b7f\u1bfc-\u1bff\u1c3b-\u1c3f\u1c7e-\u1c7f\u1cc0-\u1cc7\u1cd3\u2010-\u20c1\u2104-\u212e\u213a-\u214d\u214f\u218a-\u244a\u2500-\u2775\u2794-\u2bff\u2ce5-\u2cea\u2cf9-\u2cfc\u2cfe-\u2cff\u2d70\u2e00-\u2e2e\u2e30-\u3004\u3008-\u3020\u3030\u3037\u303d-\u303f\u30a0\u30fb\u3190-\u3191\u31c0-\u31ef\u327f\u4dc0-\u4dff\ua490-\ua4c6\ua4fe-\ua4ff\ua60d-\ua60f\ua673\ua67e\ua6f2-\ua716\ua720-\ua721\ua789-\ua78a\ua828-\ua82b\ua836-\ua839\ua874-\ua877\ua8ce-\ua8cf\ua8f8-\ua8fa\ua8fc\ua92e-\ua92f\ua95f\ua9c1-\ua9cd\ua9de-\ua9df\uaa5c-\uaa5f\uaa77-\uaa79\uaade-\uaadf\uaaf0-\uaaf1\uab5b\uab6a-\uab6b\uabeb\ue000-\uf8ff\ufbb2-\ufdff\ufe45-\ufe46\ufffc-\ufffd\U00010100-\U00010102\U00010137-\U0001013f\U00010179-\U00010189\U0001018c-\U000101fc\U0001039f\U000103d0\U0001056f\U00010857\U00010877-\U00010878\U0001091f\U0001093f\U00010a50-\U00010a58\U00010a7f\U00010ac8\U00010af0-\U00010af6\U00010b39-\U00010b3f\U00010b99-\U00010b9c\U00010d6e\U00010d8e-\U00010d8f\U00010ead\U00010ed0-\U00010ed8\U00010f55-\U00010f59\U00010f86-\U00010f89\U00011047-\U0001104d\U000110bb-\U000110c1\U00011140-\U00011143\U00011174-\U00011175\U000111c5-\U000111c8\U000111cd\U000111db\U000111dd-\U000111df\U00011238-\U0001123d\U000112a9\U000113d4-\U000113d8\U0001144b-\U0001144f\U0001145a-\U0001145d\U000114c6\U000115c1-\U000115d7\U00011641-\U00011643\U00011660-\U0001166c\U000116b9\U0001173c-\U0001173f\U0001183b\U00011944-\U00011946\U000119e2\U00011a3f-\U00011a46\U00011a9a-\U00011a9c\U00011a9e-\U00011aa2\U00011b00-\U00011b09\U00011be1\U00011c41-\U00011c45\U00011c70-\U00011c71\U00011ef7-\U00011ef8\U00011f43-\U00011f4f\U00011fd5-\U00011fff\U00012470-\U00012474\U00012ff1-\U00012ff2\U00016a6e-\U00016a6f\U00016af5\U00016b37-\U00016b3f\U00016b44-\U00016b45\U00016d6d-\U00016d6f\U00016e97-\U00016e9a\U00016fe2\U0001bc9c\U0001bc9f-\U0001cef0\U0001cf50-\U0001d15d\U0001d16a-\U0001d16c\U0001d183-\U0001d184\U0001d18c-\U0001d1a9\U0001d1ae-\U0001d241\U0001d245\U0001d300-\U0001d356\U0001d800-\U0001d9ff\U0001da37-\U0001da3a\U0001da6d-\U0001da74\U0001da76-\U0001da83\U0001da85-\U0001da8b\U0001e14f\U0001e2ff\U0001e5ff\U0001e95e-\U0001e95f\U0001ecac\U0001ecb0\U0001ed2e\U0001eef0-\U0001f0f5\U0001f10d-\U0001fbfa\U000f0000-\U0010fffd]+' collate "C", ' ', 'g'), NFC);
  if value ~ ('[\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]' collate "C") then
    value := regexp_replace(value, '[\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]+' collate "C", ' \& ', 'g');
    value := regexp_replace(value, ' +' collate "C", ' ', 'g');
  end if;
  return btrim(value, ' ');
end
$_$;


--
-- Name: search_words(text, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.search_words(owner text, value text) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
declare
  key text := lpad(to_hex(hashtext(owner)), 8, '0');
begin
  if octet_length(value) > length(value) and value ~ ('[\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]' collate "C") then
    -- The pairs from the second character of a run on, and then those from the first.
    value := regexp_replace(' ' || value, ' [\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]' collate "C", ' ', 'g') || ' ' || value;
    value := regexp_replace(value, '[\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]{2}' collate "C", '\& ', 'g');
    value := btrim(regexp_replace(value, ' +' collate "C", ' ', 'g'), ' ');
  end if;
  if value = '' then
    return '';
  end if;
  if length(value) >= 255 and value ~ ('[^ ]{255}' collate "C") then
    return array_to_tsvector((select array_agg(key || left(word, 255)) from unnest(string_to_array(value, ' ')) as word));
  end if;
  return array_to_tsvector(string_to_array(key || replace(value, ' ', ' ' || key), ' '));
end
$$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: calendars; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.calendars (
    owner_id text NOT NULL COLLATE pg_catalog."C",
    id uuid NOT NULL,
    name text NOT NULL,
    kind public.calendar_kind NOT NULL,
    category_ids uuid[],
    labels text[],
    token_hash bytea NOT NULL,
    last_used_at timestamp with time zone,
    request_hash bytea,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT calendars_category_ids_count CHECK (((cardinality(category_ids) >= 1) AND (cardinality(category_ids) <= 20))),
    CONSTRAINT calendars_labels_count CHECK (((cardinality(labels) >= 1) AND (cardinality(labels) <= 20))),
    CONSTRAINT calendars_labels_length CHECK (public.labels_fit(labels, 50)),
    CONSTRAINT calendars_labels_visible CHECK ((''::text <> ALL (public.folded_all(labels)))),
    CONSTRAINT calendars_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
    CONSTRAINT calendars_name_visible CHECK (public.is_visible(name)),
    CONSTRAINT calendars_revision_range CHECK ((revision >= 0))
);


--
-- Name: categories; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.categories (
    owner_id text NOT NULL COLLATE pg_catalog."C",
    id uuid NOT NULL,
    name text NOT NULL,
    color text,
    "position" integer NOT NULL,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    live boolean GENERATED ALWAYS AS ((deleted_at IS NULL)) STORED NOT NULL,
    sort_key text COLLATE pg_catalog."C",
    request_hash bytea,
    CONSTRAINT categories_color_pattern CHECK ((color ~ '^#[0-9A-Fa-f]{6}$'::text)),
    CONSTRAINT categories_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
    CONSTRAINT categories_name_visible CHECK (public.is_visible(name)),
    CONSTRAINT categories_position_range CHECK ((("position" >= 0) AND ("position" <= 1000000))),
    CONSTRAINT categories_revision_range CHECK ((revision >= 0)),
    CONSTRAINT categories_sort_key_length CHECK ((char_length(sort_key) <= 200))
);


--
-- Name: idempotency_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_keys (
    owner_id text NOT NULL COLLATE pg_catalog."C",
    operation text NOT NULL COLLATE pg_catalog."C",
    key_hash bytea NOT NULL,
    request_hash bytea NOT NULL,
    status integer,
    reply jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_keys_reply CHECK (((status IS NULL) = (reply IS NULL)))
);


--
-- Name: rate_limits; Type: TABLE; Schema: public; Owner: -
--

CREATE UNLOGGED TABLE public.rate_limits (
    key text NOT NULL,
    points integer NOT NULL,
    expire bigint
);


--
-- Name: schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migrations (
    version character varying(128) NOT NULL
);


--
-- Name: tasks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.tasks (
    owner_id text NOT NULL COLLATE pg_catalog."C",
    id uuid NOT NULL,
    category_id uuid,
    category_live boolean GENERATED ALWAYS AS (true) STORED NOT NULL,
    title text NOT NULL,
    description text,
    completed boolean GENERATED ALWAYS AS ((completed_at IS NOT NULL)) STORED NOT NULL,
    completed_at timestamp with time zone,
    priority public.task_priority NOT NULL,
    due_date date,
    due_time time without time zone,
    time_zone text,
    labels text[] NOT NULL,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    words tsvector GENERATED ALWAYS AS (public.search_words(owner_id, public.search_text(((title || ' '::text) || COALESCE(description, ''::text))))) STORED,
    label_names text[] GENERATED ALWAYS AS (
CASE
    WHEN (labels = '{}'::text[]) THEN '{}'::text[]
    ELSE public.folded_all(labels)
END) STORED,
    parent_id uuid,
    depth integer DEFAULT 0 NOT NULL,
    start_date date,
    deadline_date date,
    duration_minutes integer,
    reminders jsonb DEFAULT '[]'::jsonb NOT NULL,
    recurrence jsonb,
    next_occurrence_id uuid,
    sort_key text COLLATE pg_catalog."C",
    request_hash bytea,
    CONSTRAINT tasks_deadline_date_range CHECK (((deadline_date >= '0001-01-01'::date) AND (deadline_date <= '9999-12-31'::date))),
    CONSTRAINT tasks_depth_parent CHECK (((depth = 0) = (parent_id IS NULL))),
    CONSTRAINT tasks_depth_range CHECK (((depth >= 0) AND (depth <= 7))),
    CONSTRAINT tasks_description_length CHECK (((char_length(description) >= 1) AND (char_length(description) <= 10000))),
    CONSTRAINT tasks_due_date_range CHECK (((due_date >= '0001-01-01'::date) AND (due_date <= '9999-12-31'::date))),
    CONSTRAINT tasks_due_time_needs_due_date CHECK (((due_time IS NULL) OR (due_date IS NOT NULL))),
    CONSTRAINT tasks_duration_minutes_range CHECK (((duration_minutes >= 1) AND (duration_minutes <= 525600))),
    CONSTRAINT tasks_labels_count CHECK ((cardinality(labels) <= 50)),
    CONSTRAINT tasks_labels_length CHECK (public.labels_fit(labels, 50)),
    CONSTRAINT tasks_labels_visible CHECK ((''::text <> ALL (label_names))),
    CONSTRAINT tasks_recurrence_shape CHECK (((recurrence IS NULL) OR (((jsonb_typeof((recurrence -> 'rule'::text)) = 'string'::text) AND ((char_length((recurrence ->> 'rule'::text)) >= 10) AND (char_length((recurrence ->> 'rule'::text)) <= 500)) AND ((recurrence ->> 'from'::text) = ANY (ARRAY['due'::text, 'completion'::text]))) IS TRUE))),
    CONSTRAINT tasks_reminders_count CHECK ((jsonb_array_length(reminders) <= 10)),
    CONSTRAINT tasks_reminders_minutes_range CHECK ((NOT jsonb_path_exists(reminders, '$[*]."minutesBefore"?(@ < 0 || @ > 525600)'::jsonpath))),
    CONSTRAINT tasks_revision_range CHECK ((revision >= 0)),
    CONSTRAINT tasks_sort_key_length CHECK ((char_length(sort_key) <= 200)),
    CONSTRAINT tasks_start_date_range CHECK (((start_date >= '0001-01-01'::date) AND (start_date <= '9999-12-31'::date))),
    CONSTRAINT tasks_time_zone_length CHECK (((char_length(time_zone) >= 1) AND (char_length(time_zone) <= 64))),
    CONSTRAINT tasks_title_length CHECK (((char_length(title) >= 1) AND (char_length(title) <= 500))),
    CONSTRAINT tasks_title_visible CHECK (public.is_visible(title))
);


--
-- Name: users; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.users (
    id text NOT NULL COLLATE pg_catalog."C",
    email text,
    name text,
    time_zone text,
    revision bigint NOT NULL,
    profile_revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    task_room bigint DEFAULT 0 NOT NULL,
    category_room bigint DEFAULT 0 NOT NULL,
    start_revision bigint DEFAULT 0 NOT NULL,
    purged_revision bigint DEFAULT 0 NOT NULL,
    calendar_room bigint DEFAULT 0 NOT NULL,
    webhook_room bigint DEFAULT 0 NOT NULL,
    CONSTRAINT users_email_length CHECK (((char_length(email) >= 1) AND (char_length(email) <= 320))),
    CONSTRAINT users_id_length CHECK (((char_length(id) >= 1) AND (char_length(id) <= 255))),
    CONSTRAINT users_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT users_name_visible CHECK (public.is_visible(name)),
    CONSTRAINT users_revision_of_profile CHECK (((profile_revision >= 0) AND (profile_revision <= revision))),
    CONSTRAINT users_revision_range CHECK ((revision >= 0)),
    CONSTRAINT users_time_zone_length CHECK (((char_length(time_zone) >= 1) AND (char_length(time_zone) <= 64)))
);


--
-- Name: webhook_deliveries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.webhook_deliveries (
    owner_id text NOT NULL COLLATE pg_catalog."C",
    webhook_id uuid NOT NULL,
    id uuid NOT NULL,
    type public.delivery_type NOT NULL,
    state public.delivery_state DEFAULT 'pending'::public.delivery_state NOT NULL,
    from_revision bigint,
    to_revision bigint,
    to_kind text,
    to_id text,
    to_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    response_status integer,
    error text,
    duration_ms integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_attempt_at timestamp with time zone,
    CONSTRAINT webhook_deliveries_error_length CHECK (((char_length(error) >= 1) AND (char_length(error) <= 500)))
);


--
-- Name: webhooks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.webhooks (
    owner_id text NOT NULL COLLATE pg_catalog."C",
    id uuid NOT NULL,
    url text NOT NULL,
    kinds text[] NOT NULL,
    enabled boolean GENERATED ALWAYS AS ((disabled_at IS NULL)) STORED NOT NULL,
    secret text NOT NULL,
    previous_secret text,
    previous_secret_until timestamp with time zone,
    delivered_revision bigint NOT NULL,
    delivered_kind text DEFAULT 'webhook'::text NOT NULL,
    delivered_id text DEFAULT 'ffffffff-ffff-ffff-ffff-ffffffffffff'::text NOT NULL,
    reminded_until timestamp with time zone DEFAULT now() NOT NULL,
    failing_since timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone,
    leased_until timestamp with time zone,
    disabled_at timestamp with time zone,
    disabled_reason public.webhook_disabled_reason,
    request_hash bytea,
    revision bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    reminded_id uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    remind_at timestamp with time zone,
    CONSTRAINT webhooks_delivered_revision_range CHECK ((delivered_revision >= 0)),
    CONSTRAINT webhooks_kinds_count CHECK (((cardinality(kinds) >= 1) AND (cardinality(kinds) <= 5))),
    CONSTRAINT webhooks_kinds_values CHECK ((kinds <@ ARRAY['user'::text, 'category'::text, 'task'::text, 'calendar'::text, 'reminder'::text])),
    CONSTRAINT webhooks_revision_range CHECK ((revision >= 0)),
    CONSTRAINT webhooks_url_length CHECK (((char_length(url) >= 1) AND (char_length(url) <= 2048)))
);


--
-- Name: calendars calendars_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.calendars
    ADD CONSTRAINT calendars_pkey PRIMARY KEY (owner_id, id);


--
-- Name: categories categories_live_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.categories
    ADD CONSTRAINT categories_live_key UNIQUE (owner_id, id, live);


--
-- Name: categories categories_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.categories
    ADD CONSTRAINT categories_pkey PRIMARY KEY (owner_id, id);


--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (owner_id, operation, key_hash);


--
-- Name: rate_limits rate_limits_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (key);


--
-- Name: schema_migrations schema_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);


--
-- Name: tasks tasks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (owner_id, id);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);


--
-- Name: webhook_deliveries webhook_deliveries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (owner_id, webhook_id, id);


--
-- Name: webhooks webhooks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (owner_id, id);


--
-- Name: calendars_expiry_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX calendars_expiry_idx ON public.calendars USING btree (deleted_at, owner_id) WHERE (deleted_at IS NOT NULL);


--
-- Name: categories_expiry_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX categories_expiry_idx ON public.categories USING btree (deleted_at, owner_id) WHERE (deleted_at IS NOT NULL);


--
-- Name: categories_folded_name_key; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX categories_folded_name_key ON public.categories USING btree (owner_id, public.folded(name)) WHERE (deleted_at IS NULL);


--
-- Name: categories_sort_key_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX categories_sort_key_idx ON public.categories USING btree (owner_id, (
CASE
    WHEN ((("position" = 0) OR (sort_key >= ('h'::text || lpad(to_hex("position"), 8, '0'::text)))) AND (("position" = 1000000) OR (sort_key < ('h'::text || lpad(to_hex(("position" + 1)), 8, '0'::text))))) THEN sort_key
    ELSE ((('h'::text || lpad(to_hex("position"), 8, '0'::text)) || lpad(to_hex(((EXTRACT(epoch FROM (created_at AT TIME ZONE 'UTC'::text)) * (1000000)::numeric))::bigint), 13, '0'::text)) || '1'::text)
END), id) WHERE (deleted_at IS NULL);


--
-- Name: idempotency_keys_expiry_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_keys_expiry_idx ON public.idempotency_keys USING btree (created_at, owner_id);


--
-- Name: tasks_category_completed_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_category_completed_idx ON public.tasks USING btree (owner_id, category_id, completed);


--
-- Name: tasks_created_at_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_created_at_idx ON public.tasks USING btree (owner_id, created_at, id) WHERE (deleted_at IS NULL);


--
-- Name: tasks_due_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_due_idx ON public.tasks USING btree (owner_id, COALESCE(due_date, 'infinity'::date), COALESCE(due_time, '24:00:00'::time without time zone), id) WHERE (deleted_at IS NULL);


--
-- Name: tasks_expiry_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_expiry_idx ON public.tasks USING btree (deleted_at, owner_id) WHERE (deleted_at IS NOT NULL);


--
-- Name: tasks_parent_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_parent_idx ON public.tasks USING btree (owner_id, parent_id) WHERE ((deleted_at IS NULL) AND (parent_id IS NOT NULL));


--
-- Name: tasks_priority_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_priority_idx ON public.tasks USING btree (owner_id, priority, id) WHERE (deleted_at IS NULL);


--
-- Name: tasks_reminders_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_reminders_idx ON public.tasks USING btree (owner_id, public.reminder_edge(reminders, (due_date + COALESCE(due_time, '09:00:00'::time without time zone)), true), public.reminder_edge(reminders, (due_date + COALESCE(due_time, '09:00:00'::time without time zone)), false)) WHERE ((deleted_at IS NULL) AND (completed_at IS NULL) AND (reminders <> '[]'::jsonb));


--
-- Name: tasks_revision_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_revision_idx ON public.tasks USING btree (owner_id, revision, id);


--
-- Name: tasks_search_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_search_idx ON public.tasks USING gin (words) WITH (fastupdate=off) WHERE (deleted_at IS NULL);


--
-- Name: tasks_sort_key_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_sort_key_idx ON public.tasks USING btree (owner_id, COALESCE(sort_key, ('m'::text || lpad(to_hex(((EXTRACT(epoch FROM (created_at AT TIME ZONE 'UTC'::text)) * (1000000)::numeric))::bigint), 13, '0'::text))), id) WHERE (deleted_at IS NULL);


--
-- Name: tasks_title_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_title_idx ON public.tasks USING btree (owner_id, "left"(title, 100) COLLATE "und-x-icu", id) WHERE (deleted_at IS NULL);


--
-- Name: tasks_trash_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_trash_idx ON public.tasks USING btree (owner_id, deleted_at, id) WHERE (deleted_at IS NOT NULL);


--
-- Name: tasks_trash_parent_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX tasks_trash_parent_idx ON public.tasks USING btree (owner_id, parent_id) WHERE ((deleted_at IS NOT NULL) AND (parent_id IS NOT NULL));


--
-- Name: webhook_deliveries_pending_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX webhook_deliveries_pending_idx ON public.webhook_deliveries USING btree (owner_id, webhook_id) WHERE (state = 'pending'::public.delivery_state);


--
-- Name: webhooks_expiry_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX webhooks_expiry_idx ON public.webhooks USING btree (deleted_at, owner_id) WHERE (deleted_at IS NOT NULL);


--
-- Name: calendars calendars_owner_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.calendars
    ADD CONSTRAINT calendars_owner_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: categories categories_owner_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.categories
    ADD CONSTRAINT categories_owner_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: idempotency_keys idempotency_keys_owner_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_owner_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: tasks tasks_category_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_category_fkey FOREIGN KEY (owner_id, category_id, category_live) REFERENCES public.categories(owner_id, id, live);


--
-- Name: tasks tasks_owner_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_owner_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- Name: webhook_deliveries webhook_deliveries_webhook_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_webhook_fkey FOREIGN KEY (owner_id, webhook_id) REFERENCES public.webhooks(owner_id, id) ON DELETE CASCADE;


--
-- Name: webhooks webhooks_owner_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_owner_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--

\unrestrict z1i3FPWF2rco7hAYZrsQIY4sCh7b7wB2NqEITnMvS1oiv93fXmOEe7eKuJiR7eq


--
-- Dbmate schema migrations
--

INSERT INTO public.schema_migrations (version) VALUES
    ('20261120000001'),
    ('20261120000002'),
    ('20261120000003'),
    ('20261120000004'),
    ('20261120000005'),
    ('20261120000006'),
    ('20261120000007'),
    ('20261120000008'),
    ('20261120000009'),
    ('20261120000010'),
    ('20261120000011'),
    ('20261120000012'),
    ('20261120000013'),
    ('20261120000014'),
    ('20261120000015'),
    ('20261120000016'),
    ('20261120000017'),
    ('20261120000018'),
    ('20261120000019'),
    ('20261128000020'),
    ('20261128000040'),
    ('20261128000041'),
    ('20261128000042'),
    ('20261128000043'),
    ('20261128001201'),
    ('20261128001202'),
    ('20261128001203'),
    ('20261128001204'),
    ('20261128001205'),
    ('20261128001206'),
    ('20261128001207'),
    ('20261128001208'),
    ('20261128001209'),
    ('20261128001210'),
    ('20261128001211'),
    ('20261128001212'),
    ('20261128001213'),
    ('20261128001214'),
    ('20261128001215'),
    ('20261128001216'),
    ('20261128001217'),
    ('20261128001218'),
    ('20261128001219'),
    ('20261128001220'),
    ('20261128001221'),
    ('20261128001222'),
    ('20261128001301'),
    ('20261128001302'),
    ('20261128001303'),
    ('20261128001304'),
    ('20261128001501'),
    ('20261128001502'),
    ('20261128001503'),
    ('20261128001504'),
    ('20261128001505'),
    ('20261128001506'),
    ('20261128001507'),
    ('20261128001508'),
    ('20261128001509'),
    ('20261128001601'),
    ('20261128001602'),
    ('20261128001701'),
    ('20261128001702'),
    ('20261128001703'),
    ('20261128001704'),
    ('20261128001705'),
    ('20261128001801'),
    ('20261128001802'),
    ('20261128001803'),
    ('20261128001901'),
    ('20261128001902'),
    ('20261128001903'),
    ('20261128001904'),
    ('20261128001905'),
    ('20261128001906'),
    ('20261128001907'),
    ('20261128001908'),
    ('20261128001909'),
    ('20261128002001'),
    ('20261128002002'),
    ('20261128002003'),
    ('20261128002004'),
    ('20261128002301'),
    ('20261128002302'),
    ('20261128002303'),
    ('20261128002304'),
    ('20261128002401'),
    ('20261128002402'),
    ('20261128002501'),
    ('20261128002502'),
    ('20261128002503'),
    ('20261128002504'),
    ('20261128002505'),
    ('20261128002506'),
    ('20261128002507'),
    ('20261128002508'),
    ('20261128002550'),
    ('20261128002600'),
    ('20261129000101'),
    ('20261129000102'),
    ('20261129000103'),
    ('20261129000104');
