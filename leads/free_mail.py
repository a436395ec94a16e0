"""Domains of mailboxes for anyone: an address there says nothing about the company behind it.

Free mail services, and internet providers' domains that hold their customers' mailboxes rather than their own staff's.
"""

_BY_REGION = {
    "worldwide": """
        gmail.com googlemail.com icloud.com me.com mac.com aol.com aim.com mail.com email.com usa.com post.com
        proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tutamail.com tuta.com tuta.io keemail.me
        zoho.com zohomail.com zohomail.eu fastmail.com fastmail.fm hushmail.com hush.com inbox.com lycos.com
        rocketmail.com ymail.com myyahoo.com gmx.com gmx.net gmx.us gmx.org europe.com consultant.com engineer.com
        duck.com hey.com mailfence.com posteo.net runbox.com startmail.com disroot.org riseup.net excite.com juno.com
    """,
    "Microsoft": """
        outlook.com outlook.at outlook.be outlook.cl outlook.cz outlook.de outlook.dk outlook.es outlook.fr outlook.gr
        outlook.hu outlook.ie outlook.in outlook.it outlook.jp outlook.kr outlook.lv outlook.pt outlook.sa outlook.sk
        outlook.com.ar outlook.com.au outlook.com.br outlook.com.gr outlook.com.tr
        hotmail.com hotmail.at hotmail.be hotmail.ca hotmail.ch hotmail.cz hotmail.de hotmail.dk hotmail.es hotmail.fi
        hotmail.fr hotmail.gr hotmail.hu hotmail.it hotmail.nl hotmail.no hotmail.pl hotmail.ro hotmail.se hotmail.si
        hotmail.sk hotmail.co.jp hotmail.co.nz hotmail.co.uk hotmail.com.ar hotmail.com.au hotmail.com.br
        hotmail.com.tr
        live.com live.at live.be live.ca live.cl live.cn live.co.uk live.co.za live.com.ar live.com.au live.com.mx
        live.com.pt live.de live.dk live.fi live.fr live.ie live.in live.it live.jp live.nl live.no live.ru live.se
        msn.com windowslive.com passport.com
    """,
    "Yahoo": """
        yahoo.com yahoo.at yahoo.be yahoo.bg yahoo.ca yahoo.ch yahoo.cl yahoo.cn yahoo.co.id yahoo.co.il yahoo.co.in
        yahoo.co.jp yahoo.co.kr yahoo.co.nz yahoo.co.th yahoo.co.uk yahoo.co.za yahoo.com.ar yahoo.com.au yahoo.com.br
        yahoo.com.cn yahoo.com.co yahoo.com.hk yahoo.com.mx yahoo.com.my yahoo.com.ph yahoo.com.sg yahoo.com.tr
        yahoo.com.tw yahoo.com.vn yahoo.cz yahoo.de yahoo.dk yahoo.ee yahoo.es yahoo.fi yahoo.fr yahoo.gr yahoo.hr
        yahoo.hu yahoo.ie yahoo.in yahoo.it yahoo.lt yahoo.lv yahoo.nl yahoo.no yahoo.pl yahoo.pt yahoo.ro yahoo.rs
        yahoo.se yahoo.si yahoo.sk
    """,
    "Finland": """
        luukku.com suomi24.fi kolumbus.fi saunalahti.fi elisanet.fi welho.com netti.fi phnet.fi jippii.fi surffi.fi
        dnainternet.net pp.inet.fi inet.fi nic.fi mbnet.fi iki.fi
    """,
    "Poland": """
        wp.pl wp.eu o2.pl onet.pl onet.eu onet.com.pl poczta.onet.pl poczta.onet.eu vip.onet.pl autograf.pl op.pl vp.pl
        interia.pl interia.eu interia.com poczta.fm gazeta.pl tlen.pl go2.pl buziaczek.pl spoko.pl amorki.pl int.pl
        opoczta.pl republika.pl prokonto.pl neostrada.pl
    """,
    "Bulgaria": """
        abv.bg gyuvetch.bg mail.bg dir.bg gbg.bg
    """,
    "Slovenia": """
        siol.net telemach.net t-2.net amis.net volja.net email.si triera.net kabelnet.net guest.arnes.si
    """,
    "German-speaking countries": """
        gmx.de gmx.at gmx.ch web.de t-online.de freenet.de arcor.de posteo.de mailbox.org online.de kabelmail.de
        aon.at chello.at bluewin.ch hispeed.ch
    """,
    "the rest of Europe": """
        orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr gmx.fr libero.it virgilio.it tiscali.it alice.it
        tin.it inwind.it iol.it email.it gmx.es telefonica.net terra.es sapo.pt iol.pt btinternet.com btopenworld.com
        sky.com talktalk.net virginmedia.com ntlworld.com blueyonder.co.uk tiscali.co.uk gmx.co.uk eircom.net
        telenet.be skynet.be ziggo.nl kpnmail.nl planet.nl hetnet.nl home.nl xs4all.nl spray.se bredband.net comhem.se
        online.no broadpark.no mail.dk jubii.dk stofanet.dk seznam.cz centrum.cz email.cz post.cz volny.cz atlas.cz
        azet.sk centrum.sk zoznam.sk post.sk pobox.sk freemail.hu citromail.hu indamail.hu t-online.hu net.hr inet.hr
        mail.ee hot.ee online.ee inbox.lv inbox.lt mail.lt one.lt mynet.com ukr.net i.ua meta.ua bigmir.net otenet.gr
        forthnet.gr in.gr
    """,
    "Russia, Asia, the Americas": """
        mail.ru bk.ru inbox.ru list.ru internet.ru rambler.ru yandex.ru yandex.com ya.ru qq.com foxmail.com 163.com
        126.com yeah.net sina.com sina.cn sohu.com aliyun.com naver.com hanmail.net daum.net nate.com rediffmail.com
        comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net optonline.net
        rogers.com shaw.ca sympatico.ca bol.com.br uol.com.br terra.com.br ig.com.br bigpond.com optusnet.com.au
        xtra.co.nz
    """,
}

FREE_MAIL_DOMAINS = frozenset(domain for listed in _BY_REGION.values() for domain in listed.split())


def is_free_mail(*, address: str) -> bool:
    """Whether an e-mail address, or a bare domain, is at a free mail provider; case does not matter.

    The domain is what follows the last "@". It has to be in the list itself: a subdomain is not.
    """
    return address.rpartition("@")[2].lower() in FREE_MAIL_DOMAINS
