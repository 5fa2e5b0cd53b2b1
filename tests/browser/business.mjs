// A business of five customers, small enough to work out by hand:
//
//            Jan 2026   Feb   Mar   Apr   May   Jun (to the 15th)
// acme            100         +150                  100 to 250: Basic to Pro, a transfer of 100 and an expansion of 150
// birch           250               -250            gone on 20 April
// cedar                 300               -100      three seats, then two
// dogwood               100                         1,200 a year
// elm                         100   -100        100 gone on 25 April, back on 2 June
// end             350   750  1000    650   550  650
// customers         2     4     5      3     3    4

export const NOW = '2026-06-15T12:00:00Z';

export const STATES = `customer,subscription,effective_at,status,plan,amount,interval,quantity
acme,acme-1,2026-01-10,active,Basic,100,month,1
birch,birch-1,2026-01-15,active,Pro,250,month,1
cedar,cedar-1,2026-02-03,active,Basic,100,month,3
dogwood,dogwood-1,2026-02-11,active,Pro,1200,year,1
acme,acme-1,2026-03-05,active,Pro,250,month,1
elm,elm-1,2026-03-20,active,Basic,100,month,1
birch,birch-1,2026-04-20,canceled,Pro,,month,1
elm,elm-1,2026-04-25,canceled,Basic,,month,1
cedar,cedar-1,2026-05-10,active,Basic,100,month,2
elm,elm-1,2026-06-02,active,Basic,100,month,1
`;

export const CUSTOMERS = `customer,name,country,channel
acme,Acme Robotics,US,search
birch,Birch & Sons,DE,referral
cedar,"Cedar <Labs>",US,ads
dogwood,Dogwood,FR,search
elm,Elm Studio,DE,ads
`;

export const OWNER = { email: 'owner@example.com', password: 'correct horse battery staple' };
